"""Sends bytes to a TCP port and resets the connection: reset.py PORT HEX [BYTES TO READ FIRST]."""

import socket
import struct
import sys

sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.sendall(bytes.fromhex(sys.argv[2]))
if len(sys.argv) > 3:
    sock.recv(int(sys.argv[3]), socket.MSG_WAITALL)
# Lingering for 0 seconds makes the close a reset.
sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
sock.close()
