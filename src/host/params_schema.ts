import type { SchemaResult, StandardSchema } from "../plugin.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { isThenable } from "./execution.ts";
import { cut } from "../text_of.ts";
import type { OperationContext } from "./operation_context.ts";

/** What is wrong with params is told of so many of them, in so many UTF-16 units each. */
const MAX_ISSUES = 3;
const MAX_ISSUE = 300;

type Failed = Extract<SchemaResult<unknown>, { readonly issues: readonly unknown[] }>;
type Issue = Failed["issues"][number];

/**
 * Has the command's schema look at the params; what it makes of them is the context's input then. A schema that takes its
 * time gives a promise of it. Throws, or rejects with, a ProtocolError 23 that says what is wrong, or whatever the
 * schema throws.
 */
export function checkParams(schema: StandardSchema, context: OperationContext): Promise<unknown> | null {
  const result = schema["~standard"].validate(context.params.all());
  if (isThenable<SchemaResult<unknown>>(result)) {
    // Its operation goes on after its call: the params are not read from the ring then.
    context.params.keep();
    return inputLater(result);
  }
  context.checked(inputOf(result));
  return null;
}

async function inputLater(result: PromiseLike<SchemaResult<unknown>>): Promise<unknown> {
  return inputOf(await result);
}

function inputOf(result: SchemaResult<unknown>): unknown {
  if (result.issues === undefined) return result.value;
  const { issues } = result;
  const told: string[] = [];
  for (let at = 0; at < Math.min(issues.length, MAX_ISSUES); at++) told.push(sentenceOf(issues[at]!));
  if (issues.length > MAX_ISSUES) told.push(`and ${issues.length - MAX_ISSUES} more`);
  throw new ProtocolError(told.length === 0 ? "the params are wrong" : told.join("; "), ReplyCode.BadParam);
}

function sentenceOf({ path, message }: Issue): string {
  const keys = (path ?? []).map((step) => String(typeof step === "object" ? step.key : step));
  const where = keys.length === 0 ? "params" : `param "${keys.join(".")}"`;
  return cut(`${where}: ${String(message)}`, MAX_ISSUE);
}
