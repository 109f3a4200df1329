/** Reads work that was measured elsewhere: with CloudWatch in an account, or by an earlier run. */

import type { FunctionWork, Work } from "../../cost/work.ts";
import { MillraceError } from "../../stream/error.ts";
import { listOf, quote } from "../../stream/sentence.ts";

type Numbers = Omit<FunctionWork, "name">;

/** What a function's work may leave out is 0; these it must say. */
const REQUIRED: readonly (keyof Numbers)[] = ["memoryMb", "invocations", "milliseconds"];
const OPTIONAL: readonly (keyof Numbers)[] = [
  "records",
  "commits",
  "cells",
  "writeUnits",
  "readUnits",
  "bytesRead",
  "bytesWritten",
  "logBytes",
  "queueRequests",
];

/** The work in a document: itself, or the `work` of the first rate of what `--json` shows. Throws MillraceError "usage" with what is missing. */
export function readMeasured(text: string, file: string): Work {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new MillraceError("usage", `${file} is no JSON: ${(cause as Error).message}`, { cause });
  }
  const { rates } = (document ?? {}) as { rates?: readonly { work: unknown }[] };
  const work = (rates?.[0]?.work ?? document ?? {}) as Partial<Record<keyof Work, unknown>>;
  const { inputRecords, stateBytes = 0, functions } = work;
  if (!isNumber(inputRecords) || inputRecords === 0)
    throw refuse(file, "inputRecords, how many records the figures are of");
  if (!isNumber(stateBytes)) throw refuse(file, "stateBytes as a number");
  if (!Array.isArray(functions) || functions.length === 0)
    throw refuse(file, "functions, a list of what each has done");
  return { inputRecords, stateBytes, functions: functions.map((one) => toFunctionWork(one, file)) };
}

function toFunctionWork(one: Readonly<Record<string, unknown>>, file: string): FunctionWork {
  const { name } = one;
  if (typeof name !== "string") throw refuse(file, "the name of each function");
  const unknown = Object.keys(one).filter(
    (key) => key !== "name" && ![...REQUIRED, ...OPTIONAL].includes(key as "records"),
  );
  if (unknown.length > 0)
    throw new MillraceError(
      "usage",
      `${file} says ${listOf(unknown.map(quote))} of ${name}, which is nothing that is paid for; there are ${listOf([...REQUIRED, ...OPTIONAL])}.`,
    );
  const numbers = [...REQUIRED, ...OPTIONAL].map((key) => {
    const value = one[key] ?? (OPTIONAL.includes(key) ? 0 : undefined);
    if (!isNumber(value)) throw refuse(file, `${key} of ${name}, a number from 0 on`);
    return [key, value] as const;
  });
  return { name, ...(Object.fromEntries(numbers) as Numbers) };
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function refuse(file: string, what: string): MillraceError {
  return new MillraceError("usage", `${file} does not say ${what}.`);
}
