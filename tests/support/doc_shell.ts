/** A step that takes longer than this is stuck; in ms. */
const STEP_TIMEOUT_MS = 60_000;

/**
 * A job's subshell ends at a signal before what it runs does, and a server logs while it stops: a job has ended when all of its
 * group has, which is given 10 s.
 */
const WAITS_FOR_GROUPS = `
runs() {
  local stat
  for stat in /proc/[0-9]*/stat; do
    { read -r stat <$stat; } 2>/dev/null || continue
    if [[ $stat == *") "[!Z]" "+([0-9])" $1 "* ]]; then return 0; fi
  done
  return 1
}
gone() {
  local group try
  for group; do for try in {1..200}; do runs $group || break; sleep 0.05; done; done
}
wait() {
  local groups=$(jobs -p "$@") status
  builtin wait "$@"
  status=$?
  gone $groups
  return $status
}
`;

/** A bash that runs the commands of a document one after the other, as somebody at a terminal would. */
export class DocShell implements AsyncDisposable {
  readonly #bash: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #output = "";
  #ended = false;
  /** Where the output of the next step begins. */
  #from = 0;
  #steps = 0;
  #changed = Promise.withResolvers<void>();

  constructor(readonly folder: string, env: Record<string, string>) {
    this.#bash = new Deno.Command("bash", {
      args: ["--noprofile", "--norc"],
      cwd: folder,
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#input = this.#bash.stdin.getWriter();
    this.#reading = this.#read();
    void this.#type(WAITS_FOR_GROUPS);
  }

  /** Runs one step and returns what it and the jobs behind it have written meanwhile. */
  async run(commands: string): Promise<{ output: string; status: number }> {
    const step = ++this.#steps;
    // Job control, as in a terminal: `kill %1` reaches all of a job.
    await Deno.writeTextFile(`${this.folder}/.step`, `set -m\n${commands}`);
    const end = `printf '\\n<step ${step} %s>\\n' $?`;
    await this.#type(`. ./.step </dev/null 2>&1; ${end}; all_groups+=" $(jobs -p)"\n`);
    const [mark, status] = await this.#until(new RegExp(`\\n<step ${step} (\\d+)>\\n`));
    const at = this.#output.indexOf(mark, this.#from);
    const output = this.#output.slice(this.#from, at);
    this.#from = at + mark.length;
    return { output, status: Number(status) };
  }

  /** Waits until a job in the background has written something since the last step. */
  async waitFor(pattern: RegExp): Promise<void> {
    const [found] = await this.#until(pattern);
    this.#from = this.#output.indexOf(found, this.#from) + found.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#type("for job in $(jobs -p); do kill -- -$job; done; wait; gone $all_groups; exit\n");
    await this.#input.close();
    await this.#bash.status;
    await this.#reading;
  }

  async #type(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(line));
  }

  async #read(): Promise<void> {
    for await (const text of this.#bash.stdout.pipeThrough(new TextDecoderStream())) {
      this.#output += text;
      this.#changed.resolve();
    }
    this.#ended = true;
    this.#changed.resolve();
  }

  async #until(pattern: RegExp): Promise<RegExpExecArray> {
    const stuck = Promise.withResolvers<never>();
    const timer = setTimeout(() => stuck.reject(this.#failure(pattern)), STEP_TIMEOUT_MS);
    try {
      for (;;) {
        const found = pattern.exec(this.#output.slice(this.#from));
        if (found !== null) return found;
        if (this.#ended) throw this.#failure(pattern);
        this.#changed = Promise.withResolvers();
        await Promise.race([this.#changed.promise, stuck.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #failure(pattern: RegExp): Error {
    return new Error(`the shell never wrote ${pattern}; it wrote:\n${this.#output.slice(this.#from)}`);
  }
}
