/**
 * A guard of the protocol: a place in the code without which data would be lost, counted twice or misread. It can be switched off by changing its text,
 * and the simulation must then notice.
 */

import type { Patch } from "./variants.ts";

export type Guard = {
  /** What it holds. */
  readonly name: string;
  /** The invariant it belongs to: of the protocol (L1 …, O1 …), of time, or of a file. */
  readonly invariant: string;
  /** What happens without it. */
  readonly without: string;
  readonly patches: readonly Patch[];
  /** Why nothing wrong can come of its absence, where that is so: it is there to fail sooner, or with a better sentence. */
  readonly redundant?: string;
};

/** A patch, told shortly. */
export function at(file: string, find: string, replace: string): Patch {
  return { file, find, replace };
}
