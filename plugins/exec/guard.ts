import type { Speech } from "./speech.ts";

/** `/bin/sh` by a name that no config has: it is granted for the guard (src/server/builtin_rights.ts), and not for commands. */
const SHELL = Deno.build.os === "linux" ? "/proc/self/root/bin/sh" : "/bin/sh";
/** One that has ended by itself sooner after its start is not replaced before the next child; in ms. */
const SHORT_LIFE_MS = 1000;

/**
 * Reads what is to be done, a line each: `own SESSION` is a child to look after, `TERM SESSION` and `KILL SESSION` send a signal to
 * all that it has started, `end SESSION` kills what is left of it. The lines end with the server or the worker: what it looks
 * after then is killed, and told by TERM a second before where the server has gone without a word.
 *
 * Who is meant is seen in /proc: those of the session, for a group of its own is made by `timeout` and by shells with job control;
 * those whose parents they are, for a session of its own is made by `su -c`; and who was meant before, as its parent may have
 * gone meanwhile. A zombie has ended. The first line of each file alone is looked at, for a name may have lines; `head` and `sed` read
 * them, as the shell's own `read` asks the kernel for one byte at a time.
 */
const SCRIPT = `
trap '' HUP INT QUIT TERM PIPE
cd /proc 2>/dev/null
own= met=' '
look() {
  found=' ' grown=1
  all=$(head -qn1 [0-9]*/stat 2>/dev/null |
    sed -n 's/^\\([0-9]*\\) .*) [^XZ] \\([0-9]*\\) [0-9]* \\([0-9]*\\) .*/\\1:\\2:\\3/p')
  while [ -n "$grown" ]; do
    grown=
    for each in $all; do
      pid=\${each%%:*} rest=\${each#*:}
      case $found in *" $pid "*) continue ;; esac
      [ "\${rest#*:}" = "$1" ] || case $met in *" $pid "*) ;; *)
        case $found in *" \${rest%:*} "*) ;; *) continue ;; esac
      esac
      found="$found$pid " grown=1
    done
  done
  met="$met$found"
  [ "$found" != ' ' ]
}
tell() {
  look "$2" && kill -s "$1" $found 2>/dev/null
  [ -d /proc/self ] || kill -s "$1" -- "-$2" 2>/dev/null
}
end() {
  for round in 1 2 3 4 5 6 7 8 9 10; do
    tell KILL "$1"
    look "$1" || return
    sleep 0.05
  done
}
while read -r word session; do
  case $word in
    own) own=$session met=' ' ;;
    TERM|KILL) tell "$word" "$session" ;;
    end) end "$session"; own= ;;
  esac
done
[ -n "$own" ] || exit 0
read -r line < /proc/$$/stat
set -- \${line##*) }
if [ "$2" != "$PPID" ]; then
  tell TERM "$own"
  for round in 1 2 3 4 5 6 7 8 9 10; do
    look "$own" || exit 0
    sleep 0.1
  done
fi
end "$own"
`;

/**
 * A process beside a child that ends all that the child has started, as one signal to the child would not; also where the worker is
 * ended by force, or the whole server is killed.
 */
export class Guard {
  #process: Deno.ChildProcess | null = null;
  #input: WritableStreamDefaultWriter<Uint8Array> | null = null;
  #startedAt = -Infinity;
  #own: number | null = null;
  #isClosing = false;
  #hasTold = false;

  /** @param now monotonic, in ms */
  constructor(readonly speech: Speech, readonly now: () => number, readonly shell = SHELL) {}

  /** To be called before a child is started, so that it is there when the child is. */
  prepare(): void {
    if (this.#process === null) this.#start();
  }

  /** The child leads a session of its own. */
  own(pid: number): void {
    this.#own = pid;
    this.#say(`own ${pid}`);
  }

  /** Sends a signal to the child and to all that it has started; false where there is no guard to do it. */
  signal(signal: "TERM" | "KILL", pid: number): boolean {
    return this.#say(`${signal} ${pid}`);
  }

  /** The child has ended: kills what is left of its session. */
  end(pid: number): void {
    this.#own = null;
    this.#say(`end ${pid}`);
  }

  /** Ends it once it has done what it was told. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#input?.close().catch(() => {});
    await this.#process?.status;
  }

  #start(): void {
    try {
      const process = new Deno.Command(this.shell, {
        args: ["-c", SCRIPT, "mevent-exec-guard"],
        cwd: "/",
        clearEnv: true,
        env: { PATH: "/usr/bin:/bin" },
        stdin: "piped",
        stdout: "null",
        stderr: "null",
        // Out of reach of the terminal's signals, and not killed with the worker.
        detached: true,
      }).spawn();
      this.#process = process;
      this.#input = process.stdin.getWriter();
      this.#input.closed.catch(() => {});
      this.#startedAt = this.now();
      process.status.then(() => this.#ended());
    } catch (error) {
      if (!this.#hasTold) {
        this.speech.say("warn", "what a child starts cannot be ended with it", { reason: String(error) });
      }
      this.#hasTold = true;
    }
  }

  #ended(): void {
    this.#process = null;
    this.#input = null;
    if (this.#isClosing) return;
    this.speech.say("warn", "the child's guard has ended: somebody has killed a process of /bin/sh");
    if (this.now() - this.#startedAt < SHORT_LIFE_MS) return;
    this.#start();
    if (this.#own !== null) this.own(this.#own);
  }

  #say(line: string): boolean {
    this.#input?.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});
    return this.#input !== null;
  }
}
