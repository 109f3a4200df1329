/** What is true of a task beside its keyed state; written whole with every commit (L3). */

import { type Counts, noCounts } from "../operators/step.ts";
import { decodeValue, encodeValue } from "../state/value-encoding.ts";
import { type InputWatermark, unheardInput } from "../watermarks/combined.ts";
import type { Generated } from "../watermarks/generated.ts";
import { decodeWatermark, encodeWatermark } from "../wire/bundle.ts";
import type { SeenIdentity } from "../wire/identity.ts";

/** An upstream task of a shuffle: the last bundle taken from it, and where its time stands. */
export type UpstreamPosition = InputWatermark & { generation: number; number: number };

export type TaskMeta = {
  /** The last input offset processed; −1 before the first. */
  checkpoint: number;
  /** The newest timestamp per source node; −∞ before the first. */
  newestMs: number[];
  /** What authors' generators have said and remember, per source node; null for nodes without. Absent where there are none. */
  generated?: (Generated | null)[];
  watermarkMs: number;
  /**
   * Where the watermark is moving to, while what is due on its way takes several commits, and the tables of the steps that were told of it and have fired. Nobody
   * else hears of it before all of that is committed.
   */
  moving?: { readonly toMs: number; readonly told: readonly string[] } | undefined;
  /** The task's clock: never goes back. */
  nowMs: number;
  /** When there was last something to read. */
  activeAtMs: number;
  /** Told downstream that there is nothing to expect from this task. */
  idle: boolean;
  /** The watermark last told to all partitions of the shuffles it feeds. */
  announcedMs: number;
  upstream: Map<string, UpstreamPosition>;
  /** The last identity taken of each task that writes the input topic. */
  seen: Map<string, SeenIdentity>;
  /** Bundles sent, per shuffle and partition (O3). */
  bundles: Map<string, number[]>;
  /** The last commit with outputs that are to appear exactly once, and the one before it; absent before the first. */
  exactlyOnce?: { readonly last: number; readonly before: number | undefined };
  /** What the state of steps looks like, by table; absent where an older version wrote it. */
  shapes?: Readonly<Record<string, string>>;
  /** The topics of the left and the right input of steps that have two, by table. */
  inputs?: Readonly<Record<string, readonly string[]>>;
  /** All that was ever counted. */
  totals: Counts & { records: number; outputs: number };
};

/** An upstream task of which no bundle was taken yet. */
export function unheardUpstream(): UpstreamPosition {
  return { ...unheardInput(), generation: 0, number: 0 };
}

/** Whether a bundle was taken already: a lower generation and a lower number are repeats. */
export function isTaken(
  last: Pick<UpstreamPosition, "generation" | "number">,
  { generation, number }: Pick<UpstreamPosition, "generation" | "number">,
): boolean {
  return generation < last.generation || (generation === last.generation && number <= last.number);
}

/** A task that has done nothing yet. `upstream` names the tasks that its watermark waits for. */
export function newMeta(upstream: readonly string[], sourceNodes: number): TaskMeta {
  return {
    checkpoint: -1,
    newestMs: new Array<number>(sourceNodes).fill(Number.NEGATIVE_INFINITY),
    watermarkMs: Number.NEGATIVE_INFINITY,
    nowMs: Number.NEGATIVE_INFINITY,
    activeAtMs: Number.NEGATIVE_INFINITY,
    idle: false,
    announcedMs: Number.NEGATIVE_INFINITY,
    upstream: new Map(upstream.map((task) => [task, unheardUpstream()])),
    seen: new Map(),
    bundles: new Map(),
    totals: { ...noCounts(), records: 0, outputs: 0 },
  };
}

/** The text of a meta in an entry. */
export function encodeMeta(meta: TaskMeta): string {
  return JSON.stringify({
    ...meta,
    newestMs: meta.newestMs.map(encodeWatermark),
    ...(meta.generated !== undefined && { generated: encodeGenerated(meta.generated) }),
    watermarkMs: encodeWatermark(meta.watermarkMs),
    moving: meta.moving && { ...meta.moving, toMs: encodeWatermark(meta.moving.toMs) },
    nowMs: encodeWatermark(meta.nowMs),
    activeAtMs: encodeWatermark(meta.activeAtMs),
    announcedMs: encodeWatermark(meta.announcedMs),
    upstream: [...meta.upstream].map(([task, p]) => [
      task,
      p.generation,
      p.number,
      encodeWatermark(p.watermarkMs),
      (p.idle ? 1 : 0) + (p.aligned ? 2 : 0),
    ]),
    seen: [...meta.seen],
    bundles: [...meta.bundles],
  });
}

/** Whether it changed can be told by this; "" where there are no generators. */
export function encodeGenerators({ generated }: TaskMeta): string {
  return generated === undefined ? "" : JSON.stringify(encodeGenerated(generated));
}

/** Beside the watermark, which may be none, what only the author's functions know. */
function encodeGenerated(generated: readonly (Generated | null)[]): unknown[] {
  // Not `map`, which leaves holes.
  return Array.from(generated, (one) => (one ? [encodeWatermark(one.watermarkMs), encodeValue(one.state)] : null));
}

function decodeGenerated(encoded: readonly unknown[]): (Generated | null)[] {
  return (encoded as ([number | string, unknown] | null)[]).map(
    (one) => one && { watermarkMs: decodeWatermark(one[0]), state: decodeValue(one[1]) },
  );
}

type Encoded = Omit<TaskMeta, "upstream" | "seen" | "bundles" | "newestMs" | "generated" | "moving"> & {
  generated?: unknown[];
  newestMs: (number | string)[];
  moving?: { toMs: number | string; told: string[] };
  upstream: [string, number, number, number | string, number][];
  seen: [string, SeenIdentity][];
  bundles: [string, number[]][];
};

/** The reverse of encodeMeta. */
export function decodeMeta(text: string): TaskMeta {
  const { generated, ...encoded } = JSON.parse(text) as Encoded;
  return {
    ...encoded,
    ...(generated !== undefined && { generated: decodeGenerated(generated) }),
    newestMs: encoded.newestMs.map(decodeWatermark),
    watermarkMs: decodeWatermark(encoded.watermarkMs),
    moving: encoded.moving && { ...encoded.moving, toMs: decodeWatermark(encoded.moving.toMs) },
    nowMs: decodeWatermark(encoded.nowMs),
    activeAtMs: decodeWatermark(encoded.activeAtMs),
    announcedMs: decodeWatermark(encoded.announcedMs),
    upstream: new Map(
      encoded.upstream.map(([task, generation, number, watermark, flags]) => [
        task,
        {
          generation,
          number,
          watermarkMs: decodeWatermark(watermark),
          idle: (flags & 1) !== 0,
          aligned: (flags & 2) !== 0,
        },
      ]),
    ),
    seen: new Map(encoded.seen),
    bundles: new Map(encoded.bundles),
  };
}
