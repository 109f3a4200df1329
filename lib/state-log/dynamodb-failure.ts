/** Turns what the AWS SDK throws into a sentence: what failed, where, and what to do. Never a word on whether a write took effect. */

import { MillraceError } from "../stream/error.ts";
import { toAwsFailure, withoutDot } from "./aws-failure.ts";

/** Where a call went, for the sentence. */
export type CallPlace = {
  readonly table: string;
  /** The endpoint, or the region where it is AWS's own. */
  readonly at: string;
  readonly operation: string;
  readonly deadlineMs: number;
};

const MISSING = new Set(["ResourceNotFoundException", "TableNotFoundException"]);

/** How DynamoDB and DynamoDB Local say that an item is above 400 KB. */
const TOO_LARGE = /item size .*exceeded|exceeded the maximum allowed size/i;

/** The failure as MillraceError "state-store"; one that already is a MillraceError, and what did not come from a call, stay what they are. */
export function toStoreFailure(error: unknown, place: CallPlace): unknown {
  if (error instanceof MillraceError || !(error instanceof Error)) return error;
  return new MillraceError("state-store", sentenceFor(error, place), { cause: error });
}

function sentenceFor(error: Error, { table, at, operation, deadlineMs }: CallPlace): string {
  const { name, message } = error;
  const { kind, code } = toAwsFailure(error);
  const where = `DynamoDB (${at})`;
  if (MISSING.has(name))
    return `There is no table "${table}" in ${where}. Create it (the local tools do so, on AWS the stack does), or name the right table and region.`;
  if (kind === "throttled")
    return `${where} throttles table "${table}": more is read or written than it allows at present. It is tried again; if it goes on, raise the table's limits or lower the concurrency.`;
  if (kind === "credentials")
    return `${where} refuses the credentials for ${operation} on table "${table}": ${withoutDot(message)}. Check which identity is used and that its policy allows it.`;
  if (name === "ValidationException" && TOO_LARGE.test(message))
    return `${where} refuses an item of table "${table}" as too large (above 400 KB): the checkpoint and positions of one task do not fit. Split the function's input over fewer topics or partitions.`;
  if (kind === "unreachable")
    return `${where} cannot be reached for table "${table}" (${code}). Check that it runs there and that the network lets you through; it is tried again.`;
  if (kind === "time-out")
    return `${where} did not answer ${operation} on table "${table}" in time (the whole call has ${deadlineMs} ms). Whether it took effect is not known; it is tried again.`;
  return `${operation} on table "${table}" in ${where} failed: ${withoutDot(message === "" ? name : message)} (${code ?? name}).`;
}
