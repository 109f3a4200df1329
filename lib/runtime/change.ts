/** One change between two versions of an application. */

import { digestOf } from "./version.ts";

export type Change = {
  /** Dangerous: something would be misread, left behind or deleted. Impossible: it would fail, or be wrong, whoever confirms it. */
  readonly kind: "said" | "dangerous" | "impossible";
  /** What it is about, with a digest of before and after: confirmed is this change, and no other one of the same thing. */
  readonly id: string;
  readonly says: string;
};

export function change(kind: Change["kind"], about: string, was: string, now: string, says: string): Change {
  return { kind, id: `${about}@${digestOf(`${was}\n${now}`)}`, says };
}

/** Whether it stops a deployment that confirms these ids. */
export function isRefused({ kind, id }: Change, confirmed: ReadonlySet<string>): boolean {
  return kind === "impossible" || (kind === "dangerous" && !confirmed.has(id));
}
