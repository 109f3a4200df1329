/**
 * The elements of a pattern that wait for the watermark, in the order in which it takes them.
 *
 * Those of a stretch of input are in memory until time moves or the stretch ends: what the watermark passes with them is never written. What waits longer lies in a buffer by
 * stretches of event time, each of which is dropped whole; how far the watermark has taken them says which of the first one are gone.
 */

import type { KeyedTable } from "../state/keyed-state.ts";
import { TimedBuffer } from "./timed-buffer.ts";

/** What waits is looked through by stretches of event time, so that what is due later costs nothing. */
const STRETCH_MS = 250;

/** So many elements are taken from the buffer at once, and what is left of their stretch, so that a commit need not hold all that waited. */
const TAKEN_MAX = 1_000;

export type Timed = { readonly timestampMs: number; readonly value: unknown };

type Gathered = Timed & { readonly key: string };

/** What was taken of a key, in order of time; those of one time in order of arrival. */
export type Due = { readonly key: string; readonly elements: Timed[] };

export class PatternWaiting {
  readonly #buffer: TimedBuffer;
  readonly #progress: KeyedTable;
  #gathered: Gathered[] = [];
  #takenMs: number;

  /** `toldMs`: up to where the watermark has taken all, unless a commit was full before. */
  constructor(tables: (suffix: string) => KeyedTable, toldMs: number) {
    this.#buffer = new TimedBuffer(tables("waiting"), STRETCH_MS, 0);
    this.#progress = tables("progress");
    this.#takenMs = (this.#progress.get("", "") as number | undefined) ?? toldMs;
  }

  /** `key` is encoded; the value is storable one level below a cell. */
  add(key: string, timestampMs: number, value: unknown): void {
    this.#gathered.push({ key, timestampMs, value });
  }

  /** Writes what is not taken by `takenMs`. */
  flush(takenMs: number): void {
    if (this.#gathered.length === 0) return;
    const before = this.#gathered;
    this.#gathered = [];
    for (const element of before)
      if (element.timestampMs > takenMs) this.#buffer.add(element.key, element.timestampMs, element.value);
      else this.#gathered.push(element);
  }

  /** Takes what the watermark passes on its way to `toMs`, up to where it is much; returns that. The least time of a key comes first. */
  take(toMs: number): { readonly passedMs: number; readonly due: readonly Due[] } {
    const due = new Map<string, Due>();
    const visit = (key: string, timestampMs: number, value: unknown) => {
      const there = due.get(key);
      if (there === undefined) due.set(key, { key, elements: [{ timestampMs, value }] });
      else there.elements.push({ timestampMs, value });
    };
    const passedMs = this.#buffer.pass(this.#takenMs, toMs, TAKEN_MAX, visit);
    // They came after those in the buffer.
    const left: Gathered[] = [];
    for (const element of this.#gathered)
      if (element.timestampMs > passedMs) left.push(element);
      else visit(element.key, element.timestampMs, element.value);
    this.#gathered = left;
    this.#takenMs = passedMs;
    const inOrder = [...due.values()];
    for (const { elements } of inOrder) if (elements.length > 1) elements.sort((a, b) => a.timestampMs - b.timestampMs);
    return { passedMs, due: inOrder.sort((a, b) => firstMsOf(a) - firstMsOf(b) || (a.key < b.key ? -1 : 1)) };
  }

  /** A commit is full before the watermark has come to where it is told to be. */
  stop(): void {
    this.#progress.set("", "", this.#takenMs);
  }

  /** The watermark has come there. */
  arrive(): void {
    this.#progress.remove("", "");
  }

  /** When something is due; +∞: never. */
  nextMs(): number {
    return this.#gathered.reduce((least, { timestampMs }) => Math.min(least, timestampMs), this.#buffer.nextDropMs());
  }
}

/** The time of the first element. */
export function firstMsOf({ elements }: Due): number {
  return (elements[0] as Timed).timestampMs;
}
