/** What a simulated application is: its operators, what is put into it, and what must come out. */

import type { Operator } from "../runtime/operator-handler.ts";
import type { StateChanges } from "../state/keyed-state.ts";
import type { Identity } from "../wire/identity.ts";
import type { Header } from "../wire/record-columns.ts";
import type { Draw } from "./draw.ts";
import type { Production } from "./variants.ts";

/** A record that somebody else writes into a topic. */
export type Input = {
  readonly topic: string;
  readonly partition: number;
  /** When it is written, since the beginning. */
  readonly atMs: number;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: string;
};

/** A record that the application wrote, as a reader takes it who drops repeats. */
export type Result = {
  readonly key: string | null;
  readonly value: string;
  readonly timestampMs: number;
  readonly identity: Identity;
  readonly headers: readonly Header[];
};

/** What was written, by topic. */
export type Results = {
  readonly of: (topic: string) => readonly Result[];
  /** The application has stopped at a damage: what is there must be right, and not all need be there. */
  readonly isPartial: boolean;
};

export type Program = {
  readonly name: string;
  readonly operators: readonly Operator[];
  /** Topics of which a reader of committed records sees every result once. */
  readonly exactlyOnce: ReadonlySet<string>;
  /** Its functions may be started over in a new generation in the middle of a run: only the last one's results count then. */
  readonly mayStartOver: boolean;
  readonly inputs: (draw: Draw, startMs: number) => readonly Input[];
  /** Sentences about what a task keeps although it has no use for it any more. */
  readonly judgeState?: (functionName: string, state: StateChanges, watermarkMs: number) => readonly string[];
  /** Sentences about what is wrong; none where all is right. */
  readonly judge: (inputs: readonly Input[], results: Results) => readonly string[];
};

/** Makes a program of a variant of the production code. */
export type MakeProgram = (production: Production) => Program;

/** Counts of what should be there and is not, and of what is there and should not be; `isPartial`: only of what is there. */
export function differences(
  what: string,
  expected: ReadonlyMap<string, number>,
  found: ReadonlyMap<string, number>,
  isPartial: boolean,
): string[] {
  const names = new Set(isPartial ? found.keys() : [...expected.keys(), ...found.keys()]);
  return [...names]
    .filter((name) => (expected.get(name) ?? 0) !== (found.get(name) ?? 0))
    .map((name) => `${what}: ${name} is ${found.get(name) ?? 0} instead of ${expected.get(name) ?? 0}`);
}

export function bytesOf(text: string | null): Uint8Array | null {
  return text === null ? null : Buffer.from(text);
}

export function add(to: Map<string, number>, name: string, n: number): void {
  to.set(name, (to.get(name) ?? 0) + n);
}

/** Of an original record's position among a dead letter's headers. */
export function headerOf(result: Result, name: string): string {
  const found = result.headers.find(([candidate]) => candidate === name);
  return found === undefined ? "" : new TextDecoder().decode(found[1]);
}
