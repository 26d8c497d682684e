"""Types at a program in a terminal: python3 terminal.py PROGRAM ARGUMENT...

Reads JSON from stdin, a list of [wait, type]: each waits until the terminal has shown the regular expression `wait` behind what was
waited for before, then types. Prints what the terminal has shown, and ends the program. Exits with 1 where a wait is in vain.
"""
import json
import os
import pty
import re
import select
import signal
import sys
import time

SECONDS = 60

steps = json.load(sys.stdin)
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])

shown = ""
seen = 0
code = 0
deadline = time.monotonic() + SECONDS
for wait, keys in steps:
    while True:
        found = re.search(wait, shown[seen:])
        if found:
            seen += found.end()
            break
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        try:
            piece = os.read(terminal, 65536) if ready else b""
        except OSError:
            piece = b""
        if not piece:
            sys.stderr.write("waited in vain for %r\n" % wait)
            code = 1
            break
        shown += piece.decode("utf-8", "replace")
    if code:
        break
    os.write(terminal, keys.encode())

sys.stdout.write(shown)
sys.stdout.flush()
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
sys.exit(code)
