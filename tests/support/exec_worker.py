# A child for the tests of the exec plugin: does what is asked, and much that no child should do.
import json
import os
import signal
import sys
import threading
import time

lock = threading.Lock()
cancelled = {}


def write(text):
    with lock:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def say(**message):
    write(json.dumps(message))


def answer(message, result):
    say(id=message["id"], result=result)


def slow(message):
    time.sleep(message["params"].get("ms", 0) / 1000)
    answer(message, message["params"])


def obey(message):
    cancelled[message["id"]] = threading.Event()
    cancelled[message["id"]].wait()
    say(id=message["id"], error={"code": 41, "message": "given up as told"})


def spin():
    """Never looks up again, whatever it is told; computes at first, and leaves the cores to others then."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    while True:
        time.sleep(1000)


def endless(message):
    for _ in range(message["params"]["mib"] * 16):
        sys.stdout.write("x" * 65536)
    sys.stdout.write("\n")
    answer(message, "after the endless line")


def flood(message):
    for number in range(message["params"]["lines"]):
        write("this is no JSON %d" % number)
        sys.stderr.write("noise %d\n" % number)
    answer(message, "after the flood")


def garbage(message):
    for line in ["", "{", "[]", "7", "null", '{"what": 1}', '{"id": "x"}', '{"id": 1.5}', '{"log": 7}',
                 '{"log": {"level": "loud", "message": "x"}}', '{"stats": {"count": {"a": "b"}}}',
                 '{"stats": {"count": {"' + "n" * 300 + '": 1}}}', "\x00\ufffd", "[" * 1000]:
        write(line)
    sys.stdout.buffer.write(b"\xff\xfe\x80\n")
    answer(message, "after the garbage")


def line(message):
    params = message["params"]
    text = params["line"].replace("ID", str(message["id"])).replace("PAD", "x" * params.get("pad", 0))
    with lock:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode(params.get("encoding", "utf-8")) + params.get("end", "\n").encode())
        sys.stdout.buffer.flush()


def run(message):
    name = message["name"]
    if name == "echo":
        answer(message, message["params"])
    elif name == "die":
        os._exit(3)
    elif name == "die once":
        path = message["params"]["path"]
        if not os.path.exists(path):
            open(path, "w").close()
            os._exit(3)
        answer(message, message["operation"])
    elif name == "answer and die":
        answer(message, "last words")
        os._exit(0)
    elif name == "hang":
        pass
    elif name == "slow":
        threading.Thread(target=slow, args=(message,), daemon=True).start()
    elif name == "obey":
        threading.Thread(target=obey, args=(message,), daemon=True).start()
    elif name == "spin":
        spin()
    elif name == "garbage":
        garbage(message)
    elif name == "flood":
        flood(message)
    elif name == "endless":
        endless(message)
    elif name == "long answer":
        answer(message, "x" * message["params"]["length"])
    elif name == "twice":
        answer(message, 1)
        answer(message, 2)
    elif name == "unknown":
        say(id=123456, result=1)
        answer(message, "mine")
    elif name == "line":
        line(message)
    elif name == "close stdout":
        os.close(1)
    elif name == "about":
        answer(message, {"pid": os.getpid(), "env": dict(os.environ), "cwd": os.getcwd(), "message": message})
    elif name == "tell":
        say(log={"level": "warn", "message": "from the child", "fields": {"a": 1}})
        say(log="just a text")
        sys.stderr.write("from stderr\n")
        sys.stderr.flush()
        say(stats={"count": {"pictures": 2}, "gauge": {"size": 7.5}})
        answer(message, None)


if "--never-ready" not in sys.argv:
    if "--broken" in sys.argv:
        sys.stderr.write("there is no such database\n")
        sys.exit(5)
    if "--broken-where" in sys.argv and os.path.exists(sys.argv[-1]):
        sys.exit(6)
    say(ready=True)
jobs = int(sys.argv[-1]) if "--jobs" in sys.argv else -1
for text in sys.stdin:
    message = json.loads(text)
    if "cancel" not in message:
        run(message)
        jobs -= 1
        if jobs == 0:
            break
    elif message["cancel"] in cancelled:
        cancelled[message["cancel"]].set()
if "--stays" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
