import { OperationRecord } from "../queue/record.ts";
import type { InFlight } from "./in_flight.ts";
import type { PluginDeclaration } from "../ring/messages.ts";

/** Commands that are named at most. */
const MAX_COMMANDS = 10;

interface Declared {
  readonly declaration: PluginDeclaration | null;
}

/** `1002 busy` */
export function commandName({ declaration }: Declared, number: number): string {
  const command = declaration?.commands.find((each) => each.number === number);
  return command === undefined ? String(number) : `${number} ${command.name}`;
}

/** The commands of what a worker holds: `1002 busy, 1004 echo`. */
export function commandsHeld(worker: Declared & { readonly inFlight: InFlight }): string {
  const { inFlight } = worker;
  const numbers = new Set<number>();
  for (const slot of inFlight.slots()) {
    const segment = inFlight.segment(slot, inFlight.sequence(slot))!;
    numbers.add(OperationRecord.command(segment, inFlight.offset(slot)));
    if (numbers.size === MAX_COMMANDS) break;
  }
  return [...numbers].map((number) => commandName(worker, number)).join(", ");
}
