import { systemReason } from "../system_reason.ts";
import { type AlertMessage, messageLine } from "./alert_message.ts";
import { type CommandReceiver, placeOf } from "./alert_rule.ts";
import { SendError } from "./send_error.ts";

/** What a command gets of the server's environment, beside MEVENT_ALERT_*: nothing that may be a secret of the server's. */
const PASSED_ON = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"];
/** What is told of what it writes to stderr, in bytes. */
const MAX_TOLD = 300;
/** What it has written is waited for so long after its end: a child of its own may hold stderr open; in ms. */
const REST_MS = 50;

/**
 * Runs a receiver's command: the message comes on stdin as JSON and in variables, without a shell. Rejects with SendError where it
 * cannot be run, fails or takes too long, with the signal's reason where that is aborted; it is ended then.
 */
export async function sendToCommand(
  receiver: CommandReceiver,
  message: AlertMessage,
  signal: AbortSignal,
): Promise<void> {
  const [program = "", ...args] = receiver.command;
  const place = placeOf(receiver);
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      clearEnv: true,
      env: environmentOf(message),
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw new SendError(`${place} cannot be run: ${systemReason(error, "file")}`, false);
  }
  let isLate = false;
  const end = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, receiver.timeout);
  signal.addEventListener("abort", end);
  const said = new Said(child.stderr);
  try {
    const [status] = await Promise.all([child.status, write(child.stdin, message)]);
    const text = await said.text();
    if (signal.aborted) throw signal.reason;
    if (isLate) throw new SendError(`${place} did not end within ${receiver.timeout} ms`, true);
    if (!status.success) {
      const how = status.signal === null ? `exit code ${status.code}` : status.signal;
      throw new SendError(`${place} failed with ${how}${text === "" ? "" : `: ${text}`}`, true);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

/** A command that does not read its stdin is none the worse for it. */
async function write(stdin: WritableStream<Uint8Array>, message: AlertMessage): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
    await writer.close();
  } catch {
    // It has closed it, or ended.
  }
}

/** The beginning of what a command writes to stderr; the rest is read and let go, so that it does not wait. */
class Said {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #all: Promise<void>;
  #bytes = new Uint8Array(0);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.#all = this.#read();
  }

  /** In one line; to be asked once, when the command has ended. */
  async text(): Promise<string> {
    let timer: number | undefined;
    const rest = new Promise<void>((resolve) => timer = setTimeout(resolve, REST_MS));
    await Promise.race([this.#all, rest]);
    clearTimeout(timer);
    await this.#reader.cancel();
    return new TextDecoder().decode(this.#bytes).replaceAll(/[\p{Cc}\s]+/gu, " ").trim();
  }

  async #read(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      const room = MAX_TOLD - this.#bytes.length;
      if (room > 0) {
        const joined = new Uint8Array(this.#bytes.length + Math.min(room, value.length));
        joined.set(this.#bytes);
        joined.set(value.subarray(0, room), this.#bytes.length);
        this.#bytes = joined;
      }
    }
  }
}

function environmentOf(message: AlertMessage): Record<string, string> {
  const { event, alert, kind, subject, server } = message;
  const passed = PASSED_ON.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const told = Object.entries({
    EVENT: event,
    NAME: alert,
    KIND: kind,
    SUBJECT: subject ?? "",
    SERVER: server,
    MESSAGE: messageLine(message),
  }).map(([name, value]) => [`MEVENT_ALERT_${name}`, value.replaceAll("\0", " ")]);
  return Object.fromEntries([...passed, ...told]);
}
