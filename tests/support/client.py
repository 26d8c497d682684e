"""A client of mevent in plain Python: client.py PORT; prints what came back as JSON lines."""

import json
import socket
import struct
import sys


def cell(name, text):
    return struct.pack(">II", 3, len(name)) + name + struct.pack(">I", len(text)) + text + struct.pack(">I", 0)


def call(sock, request_id, plugin, command, body, sync=True):
    message = struct.pack(">IHHI", 1 << 28 | request_id, command, 2 if sync else 0, len(plugin)) + plugin + body
    sock.sendall(struct.pack(">I", len(message) + 4) + message)
    (total,) = struct.unpack(">I", sock.recv(4, socket.MSG_WAITALL))
    reply = sock.recv(total - 4, socket.MSG_WAITALL)
    got_id, code = struct.unpack(">II", reply[:8])
    text = b""
    if total > 12:
        (name_length,) = struct.unpack(">I", reply[16:20])
        (length,) = struct.unpack(">I", reply[20 + name_length : 24 + name_length])
        text = reply[24 + name_length : 24 + name_length + length]
    return {"id": got_id, "code": code, "text": text.rstrip(b"\0").decode()}


with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
    value = {"uid": 7, "name": "Änne", "list": [1, {"a": None}]}
    print(json.dumps(call(connection, 1, b"echo", 1001, cell(b"root", b"uid = 7\nuser {\n  name = Ann\n}\n\0"))))
    print(json.dumps(call(connection, 2, b"3", 1001, cell(b"json", json.dumps(value).encode()))))
    print(json.dumps(call(connection, 3, b"echo", 1002, cell(b"json", b"{}"), sync=False)))
    print(json.dumps(call(connection, 4, b"nobody", 1001, cell(b"json", b"{}"))))
