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

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time: so long ago (90s, 30m, 2h, 7d), or as parseTime takes it. */
export function parseSince(text: string): number {
  const match = /^(\d+)([smhd])$/.exec(text);
  if (match !== null) return Date.now() - Number(match[1]) * (UNITS_MS[match[2] as string] as number);
  try {
    return parseTime(text);
  } catch {
    throw new InvalidArgumentError("It takes how long ago, like 30m, 2h or 7d, or a time like 2026-10-01T12:00:00Z.");
  }
}

/** What a text must have in it; between slashes, a regular expression that it must match. */
export function parsePattern(text: string): (text: string) => boolean {
  const match = /^\/(.+)\/([a-z]*)$/.exec(text);
  if (match === null) return (candidate) => candidate.includes(text);
  try {
    // Without a memory of where the last match was.
    const pattern = new RegExp(match[1] as string, (match[2] as string).replaceAll(/[gy]/g, ""));
    return (candidate) => pattern.test(candidate);
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}
