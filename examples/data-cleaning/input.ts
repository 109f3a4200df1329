/** Sign-ups whose right form is known, since each is made first and spoilt then; and values. */

import { Chance } from "../chance.ts";
import { type InputOptions, type InputRecord, toRecord } from "../example.ts";
import { type SignUp, signUps, values } from "./functions/topics.ts";

const SPAN_MS = 60 * 60_000;
const BOUND_MS = 5_000;
const NAMES = ["Ada Lovelace", "Grace Hopper", "Emmy Noether", "Alan Turing", "Şebnem Öz", "李 小龍"];
const COUNTRIES = ["CH", "DE", "JP", "TR", "US"];

export type SignUpLines = {
  readonly records: readonly InputRecord[];
  readonly clean: readonly SignUp[];
  readonly rejected: readonly { readonly line: string; readonly reason: string }[];
  readonly values: readonly string[];
  /** No text at all. */
  readonly broken: number;
};

export function generateSignUps({ records: count, seed, endMs }: InputOptions): SignUpLines {
  const chance = new Chance(seed);
  const records: InputRecord[] = [];
  const clean: SignUp[] = [];
  const rejected: { line: string; reason: string }[] = [];
  const plain: string[] = [];
  let broken = 0;
  for (const timestampMs of chance.arrivals(count, endMs - SPAN_MS, endMs, BOUND_MS)) {
    if (chance.happens(0.3)) {
      const value = String(chance.whole(0, 999));
      plain.push(value);
      records.push(toRecord(values, value, { timestampMs, by: value }));
      continue;
    }
    const id = `p${records.length}`;
    const write = (line: string) => records.push(toRecord(signUps, line, { timestampMs, by: id }));
    const reject = (line: string, reason: string) => {
      rejected.push({ line, reason });
      write(line);
    };
    const name = chance.popular(NAMES);
    const email = `${name.slice(0, 1).codePointAt(0)}.${id}@example.com`;
    const country = chance.popular(COUNTRIES);
    const problem = chance.whole(1, 100);
    if (problem === 1) {
      broken += 1;
      records.push({
        topic: signUps,
        key: null,
        value: new Uint8Array([0xff, 0xfe]),
        timestampMs,
        by: new Uint8Array(),
      });
    } else if (problem <= 3) write("   ");
    else if (problem <= 6) reject(`${id};${name};${country}`, "3 fields instead of 4");
    else if (problem <= 9) reject(`${id};${name};${email.replace("@", " at ")};${country}`, "no e-mail address");
    else if (problem <= 12) reject(`${id};${name};${email};unknown`, "no country");
    else {
      const line = spoil(chance, { id, name, email, country });
      clean.push({ id, name, email, country });
      write(line);
      // Forms are sent twice.
      if (chance.happens(0.1)) write(line);
    }
  }
  return { records, clean, rejected, values: plain, broken };
}

/** A line that means the sign-up, and does not look like it. */
function spoil(chance: Chance, { id, name, email, country }: SignUp): string {
  const space = () => " ".repeat(chance.whole(0, 2));
  return [
    id,
    name.replace(" ", ` ${space()}`),
    chance.happens(0.5) ? email.toUpperCase() : email,
    chance.happens(0.5) ? country.toLowerCase() : country,
  ]
    .map((field) => `${space()}${field}${space()}`)
    .join(";");
}
