/**
 * The windows of each key where windows merge, and under which window's name the contents of each lie: what is in a window does not move when it grows. That
 * name is of a part of the window, so no other window of the key can have it.
 * After Flink's MergingWindowSet.
 */

import type { KeyedTable } from "../state/keyed-state.ts";
import { nameOf, type Span } from "../windows/assign.ts";

type Known = [startMs: number, endMs: number, contents: string];

/** What became of a new window. */
export type Placed = {
  readonly span: Span;
  /** Under which name its contents lie. */
  readonly contents: string;
  /** Windows that went into it and are no more, in order of time, with the names of the contents that are still to be merged into its own. */
  readonly merged: readonly { readonly span: Span; readonly contents: string | undefined }[];
};

/** There is one namespace. */
const NAMESPACE = "windows";

export class MergingWindows {
  readonly #table: KeyedTable;

  constructor(table: KeyedTable) {
    this.#table = table;
  }

  /** What a new window would become, with all that it overlaps or touches. Changes nothing. */
  place(key: string, { startMs, endMs }: Span): Placed {
    const met = this.#of(key).filter(([start, end]) => start <= endMs && startMs <= end);
    const span = {
      startMs: Math.min(startMs, met[0]?.[0] ?? startMs),
      endMs: Math.max(endMs, met.at(-1)?.[1] ?? endMs),
    };
    const [first] = met;
    if (first === undefined) return { span, contents: nameOf(span), merged: [] };
    const contents = first[2];
    if (met.length === 1 && first[0] === span.startMs && first[1] === span.endMs) return { span, contents, merged: [] };
    return {
      span,
      contents,
      merged: met.map(([start, end, name], i) => ({
        span: { startMs: start, endMs: end },
        contents: i === 0 ? undefined : name,
      })),
    };
  }

  /** Puts a window in its place. */
  add(key: string, { span, contents }: Placed): void {
    const all = this.#of(key);
    const from = all.findIndex(([, end]) => end >= span.startMs);
    const at = from < 0 ? all.length : from;
    let to = at;
    while (to < all.length && (all[to] as Known)[0] <= span.endMs) to++;
    const known = all[at];
    if (to === at + 1 && known !== undefined && known[0] === span.startMs && known[1] === span.endMs) return;
    all.splice(at, to - at, [span.startMs, span.endMs, contents]);
    this.#table.set(NAMESPACE, key, all);
  }

  /** Under which name the contents of a window lie; undefined where there is no such window any more. */
  contentsOf(key: string, { startMs, endMs }: Span): string | undefined {
    return this.#of(key).find(([start, end]) => start === startMs && end === endMs)?.[2];
  }

  remove(key: string, { startMs, endMs }: Span): void {
    const left = this.#of(key).filter(([start, end]) => start !== startMs || end !== endMs);
    if (left.length === 0) this.#table.remove(NAMESPACE, key);
    else this.#table.set(NAMESPACE, key, left);
  }

  #of(key: string): Known[] {
    return (this.#table.get(NAMESPACE, key) as Known[] | undefined) ?? [];
  }
}
