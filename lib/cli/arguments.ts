/** Reads the values of options; what cannot be understood gets a sentence. */

import { InvalidArgumentError } from "commander";

/** A whole number from 1 on. */
export function parseCount(text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError("It takes a whole number from 1 on.");
}

/** A whole number from 0 on. */
export function parseIndex(text: string): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError("It takes a whole number from 0 on.");
}

/** Epoch milliseconds, or an ISO 8601 time. */
export function parseTime(text: string): number {
  const epochMs = /^\d+$/.test(text) ? Number(text) : /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isSafeInteger(epochMs) && epochMs >= 0) return epochMs;
  throw new InvalidArgumentError("It takes epoch milliseconds, or a time like 2026-10-01T12:00:00Z.");
}

/** Text that is not empty. */
export function parseSeparator(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("It takes at least one character.");
}
