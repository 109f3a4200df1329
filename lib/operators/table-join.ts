/**
 * Stream–table join in event time: a left element waits until the watermark passes it, then meets the newest version of its key that is not newer
 * than itself. The result has its timestamp.
 *
 * Versions wait for the watermark too. Of those it has passed the newest of each key is kept, unless that is a tombstone. What comes when the
 * watermark has passed it already is dealt with when the watermark moves next, with what is kept by then, as in Flink.
 */

import { requireStorable } from "../state/value-encoding.ts";
import { decodeKey, encodeKey, type Key } from "../stream/key.ts";
import type { TableJoinNode } from "../stream/node.ts";
import { bindPair } from "./bind-pair.ts";
import type { Push, Step, StepSetup } from "./step.ts";
import { TimedBuffer } from "./timed-buffer.ts";

/** What waits is looked through by stretches of event time, so that what is due later costs nothing. */
const STRETCH_MS = 250;

/** The namespace of the versions that count: one cell per key. */
const NEWEST = "";

type Version = readonly [timestampMs: number, value: unknown];

/** What a dead letter keeps of a result: the left element's timestamp, itself, and the version, if there is one. */
type Fired = readonly [timestampMs: number, left: unknown, ...version: unknown[]];

export function tableJoinStep(
  { mode, fn }: TableJoinNode,
  { tables, time, call, guard, isFull, out }: StepSetup,
): Step {
  const join = bindPair(fn, call, "join");
  /** What this step was last told. */
  let toldMs = time.watermarkMs;
  const lefts = new TimedBuffer(tables("left"), STRETCH_MS, 0);
  const waiting = new TimedBuffer(tables("waiting"), STRETCH_MS, 0);
  const versions = tables("versions");

  const wait = (buffer: TimedBuffer, value: unknown, key: unknown, timestampMs: number) => {
    call.step = "join";
    call.reachedState = true;
    requireStorable(value, "the element", 1);
    buffer.add(encodeKey(key as Key), timestampMs, value);
  };
  const left: Push = (value, key, timestampMs) => wait(lefts, value, key, timestampMs);
  // A table's elements have their key with them, for the keyBy.
  const right: Push = (pair, key, timestampMs) => wait(waiting, (pair as [unknown, unknown])[1], key, timestampMs);

  const handOn = (encoded: string, [timestampMs, value, ...version]: Fired) => {
    const key = decodeKey(encoded);
    // A left join says by undefined that there is no version.
    out(join(value, version[0], key, timestampMs), key, timestampMs);
  };

  const fire = (encoded: string, fired: Fired, nth: number) =>
    guard(
      () => `${fired[0]} of key ${JSON.stringify(encoded)}, ${nth}`,
      () => handOn(encoded, fired),
      () => ({
        shown: { key: decodeKey(encoded), left: fired[1], right: fired[2] ?? null },
        namespace: fired[0],
        key: encoded,
        accumulator: fired,
      }),
    );

  /** All that the watermark has passed by now of a key, by time; of two of one time the one that came last counts. */
  const passed = (watermarkMs: number): ((key: string) => readonly Version[]) => {
    const due = new Map<string, Version[]>();
    waiting.take(watermarkMs, (key, timestampMs, value) => {
      const all = due.get(key);
      if (all === undefined) due.set(key, [[timestampMs, value]]);
      else all.push([timestampMs, value]);
    });
    for (const [key, all] of due) {
      const before = versions.get(NEWEST, key) as Version | undefined;
      if (before !== undefined) all.unshift(before);
      all.sort((a, b) => a[0] - b[0]);
      const newest = all.at(-1) as Version;
      if (newest[1] === null) versions.remove(NEWEST, key);
      else if (newest !== before) versions.set(NEWEST, key, newest);
    }
    return (key) => {
      const all = due.get(key);
      if (all !== undefined) return all;
      const only = versions.get(NEWEST, key) as Version | undefined;
      return only === undefined ? [] : [only];
    };
  };

  /** Joins all that the watermark has passed at `watermarkMs`. */
  const joinTo = (watermarkMs: number) => {
    const versionsOf = passed(watermarkMs);
    const due: { key: string; timestampMs: number; value: unknown }[] = [];
    lefts.take(watermarkMs, (key, timestampMs, value) => due.push({ key, timestampMs, value }));
    // In order of time; a sort leaves what is equal in order of arrival.
    due.sort((a, b) => a.timestampMs - b.timestampMs || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    let nth = 0;
    for (const [i, { key, timestampMs, value }] of due.entries()) {
      nth = due[i - 1]?.key === key && due[i - 1]?.timestampMs === timestampMs ? nth + 1 : 0;
      const version = versionsOf(key).findLast((candidate) => candidate[0] <= timestampMs);
      if (version !== undefined && version[1] !== null) fire(key, [timestampMs, value, version[1]], nth);
      else if (mode === "left") fire(key, [timestampMs, value], nth);
    }
  };

  return {
    inputs: [left, right],
    shape: "table join",

    advance() {
      // By stretches, as if the watermark had stopped behind each: so a commit need not hold all that waited. What came too late is joined with the first.
      while (toldMs < time.watermarkMs) {
        const endMs = (Math.floor((toldMs + 1) / STRETCH_MS) + 1) * STRETCH_MS - 1;
        const firstMs = Math.min(lefts.nextDropMs(), waiting.nextDropMs());
        toldMs = Math.min(Math.max(endMs, firstMs), time.watermarkMs);
        joinTo(toldMs);
        if (isFull() && toldMs < time.watermarkMs) return true;
      }
      return false;
    },

    fireAgain: (_namespace, encoded, fired) => handOn(encoded, fired as Fired),

    // What is due already waits for the next advance.
    nextEventTimeMs: () => Math.max(Math.min(lefts.nextDropMs(), waiting.nextDropMs()), toldMs + 1),
  };
}
