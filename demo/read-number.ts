/** Reads the numbers of a command line; what cannot be understood gets a sentence, in a MillraceError "usage". */

import { MillraceError } from "millrace";

/** Seeds are 32 bits. */
export const SEED_MAX = 2 ** 32 - 1;

/** Above this a run would hardly come to an end. */
const CRASH_MAX = 0.9;

/** How likely each place that can fail is to fail; 0, where nothing is said: none does. */
export function toCrash(text: string | undefined): number {
  return text === undefined ? 0 : toNumber(text, "--crash", 0, CRASH_MAX);
}

/** undefined, where nothing is said: one is chosen. */
export function toSeed(text: string | undefined): number | undefined {
  return text === undefined ? undefined : toInteger(text, "--seed", 0, SEED_MAX);
}

function toNumber(text: string, option: string, min: number, max: number): number {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (number >= min && number <= max) return number;
  throw new MillraceError("usage", `${option} takes a number from ${min} to ${max}, not "${text}".`);
}

export function toInteger(text: string, option: string, min: number, max: number): number {
  if (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
  throw new MillraceError("usage", `${option} takes a whole number from ${min} to ${max}, not "${text}".`);
}
