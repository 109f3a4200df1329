/**
 * Bundles: one Kafka record of a shuffle, carrying many elements from one task to one partition as columns.
 *
 * O3: a task counts its bundles per target partition 1, 2, 3, …; the reader takes the next one, drops repeats and stops at a gap.
 */

import { isCount, type PartialWindow, sliceOf } from "../operators/partials.ts";
import { type ColumnBuilder, decodeColumn, encodeColumn } from "../state/value-encoding.ts";
import { MillraceError } from "../stream/error.ts";
import { compressJson, decompressJson } from "./compress.ts";

/** Elements as they were pushed into a keyBy, in order. */
export type ElementColumns = {
  readonly kind: "elements";
  /** Which keyBy of the shuffle they come from. */
  readonly side: number;
  /** Where they come from, in words (`originsOf`); undefined in bundles of versions that did not say it. */
  readonly origin?: string | undefined;
  /** Encoded keys. */
  readonly keys: readonly string[];
  readonly timestampsMs: readonly number[];
  readonly values: ColumnBuilder;
};

/** Partial results per window and key of a mergeable aggregate, instead of the elements. */
export type PartialColumns = {
  readonly kind: "partials";
  readonly side: number;
  readonly origin?: string | undefined;
  /** What they are of, in words: other words cannot be merged. */
  readonly shape?: string | undefined;
  readonly windows: readonly PartialWindow[];
};

/** What a bundle carries on one side. */
export type BundleColumns = ElementColumns | PartialColumns;

/** The same as it is read. */
export type ReadColumns = (Omit<ElementColumns, "values"> & { readonly values: readonly unknown[] }) | PartialColumns;

/** What a bundle says of its sender. */
export type BundleHead = {
  /** The sending task as `function/topic-partition`. */
  readonly task: string;
  readonly generation: number;
  /** 1, 2, 3, … per sending task and target partition. */
  readonly number: number;
  /** The sender's watermark after these elements. */
  readonly watermarkMs: number;
  /** The sender has nothing to read and leaves the minimum until its next bundle. */
  readonly idle: boolean;
};

export type Bundle = BundleHead & { readonly columns: readonly ReadColumns[] };

/** The newest form of bundles that this version writes and reads. */
const BUNDLE_VERSION = 1;

/** The bytes of a bundle, compressed. */
export function encodeBundle(head: BundleHead, columns: readonly BundleColumns[]): Uint8Array {
  const { task, generation, number, watermarkMs, idle } = head;
  return compressJson([
    BUNDLE_VERSION,
    task,
    generation,
    number,
    encodeWatermark(watermarkMs),
    idle ? 1 : 0,
    columns.map((c) =>
      c.kind === "elements"
        ? [0, c.side, c.keys, c.timestampsMs, c.values.encode(), c.origin]
        : [
            1,
            c.side,
            c.windows.map((w) => [
              w.namespace,
              w.keys,
              encodeColumn(w.accumulators),
              // Counts of elements are sent once.
              isCount(w) ? 0 : w.elements,
              w.spans?.begins,
              w.spans?.lengths,
            ]),
            c.origin,
            c.shape,
          ],
    ),
  ]);
}

/**
 * Bundles whose bytes are at most `bytesMax` each, numbered from `head.number` on; all but the last say the watermark that was before, as
 * elements of the later ones may be at or below the new one. Throws MillraceError "format" for a single element that is too large.
 */
export function encodeBundles(
  head: BundleHead,
  watermarkBeforeMs: number,
  columns: readonly BundleColumns[],
  bytesMax: number,
): Uint8Array[] {
  const whole = encodeBundle(head, columns);
  if (whole.length <= bytesMax) return [whole];
  const halves = halve(columns);
  if (halves === undefined)
    throw new MillraceError(
      "format",
      `A bundle with a single element has ${whole.length} bytes; the broker takes at most ${bytesMax}.`,
    );
  const first = encodeBundles(
    { ...head, watermarkMs: watermarkBeforeMs, idle: false },
    watermarkBeforeMs,
    halves[0],
    bytesMax,
  );
  return [
    ...first,
    ...encodeBundles({ ...head, number: head.number + first.length }, watermarkBeforeMs, halves[1], bytesMax),
  ];
}

/** The same elements in two parts, in order; undefined where there is only one. */
function halve(columns: readonly BundleColumns[]): [BundleColumns[], BundleColumns[]] | undefined {
  if (columns.length > 1) return [columns.slice(0, columns.length >> 1), columns.slice(columns.length >> 1)];
  const [only] = columns;
  if (only === undefined) return undefined;
  if (only.kind === "elements") {
    const { keys, timestampsMs, values } = only;
    const middle = keys.length >> 1;
    if (middle === 0) return undefined;
    const [front, back] = values.halve(middle);
    return [
      [{ ...only, keys: keys.slice(0, middle), timestampsMs: timestampsMs.slice(0, middle), values: front }],
      [{ ...only, keys: keys.slice(middle), timestampsMs: timestampsMs.slice(middle), values: back }],
    ];
  }
  const { windows } = only;
  if (windows.length > 1)
    return [
      [{ ...only, windows: windows.slice(0, windows.length >> 1) }],
      [{ ...only, windows: windows.slice(windows.length >> 1) }],
    ];
  const [window] = windows;
  const middle = (window?.keys.length ?? 0) >> 1;
  if (window === undefined || middle === 0) return undefined;
  return [[{ ...only, windows: [sliceOf(window, 0, middle)] }], [{ ...only, windows: [sliceOf(window, middle)] }]];
}

type EncodedElements = [0, number, string[], number[], unknown, origin?: string | null];
type EncodedPartials = [1, number, EncodedPartial[], origin?: string | null, shape?: string | null];

type EncodedPartial = [
  namespace: number,
  keys: string[],
  accumulators: unknown,
  elements: number[] | 0,
  begins?: number[] | null,
  lengths?: number[] | null,
];

/** The reverse of encodeBundle. Throws MillraceError "format" for anything else, and for a newer version's. */
export function decodeBundle(bytes: Uint8Array): Bundle {
  const [version, task, generation, number, watermark, idle, columns] = decompressJson(bytes) as [
    number,
    string,
    number,
    number,
    number | string,
    number,
    (EncodedElements | EncodedPartials)[],
  ];
  if (version !== BUNDLE_VERSION)
    throw new MillraceError(
      "format",
      `A bundle of version ${version} was read by code that knows version ${BUNDLE_VERSION}: deploy the readers of a shuffle no later than its writers.`,
    );
  return {
    task,
    generation,
    number,
    watermarkMs: decodeWatermark(watermark),
    idle: idle === 1,
    columns: columns.map((c) =>
      c[0] === 0
        ? {
            kind: "elements",
            side: c[1],
            origin: c[5] ?? undefined,
            keys: c[2],
            timestampsMs: decodeColumn(c[3]) as number[],
            values: decodeColumn(c[4]),
          }
        : {
            kind: "partials",
            side: c[1],
            origin: c[3] ?? undefined,
            shape: c[4] ?? undefined,
            windows: c[2].map(toPartial),
          },
    ),
  };
}

function toPartial([namespace, keys, column, elements, begins, lengths]: EncodedPartial): PartialWindow {
  const accumulators = decodeColumn(column);
  const isOfSessions = begins !== undefined && begins !== null && lengths !== undefined && lengths !== null;
  return {
    namespace,
    keys,
    accumulators,
    // 0 stands for accumulators that are these numbers.
    elements: elements === 0 ? (accumulators as number[]) : elements,
    ...(isOfSessions && { spans: { begins, lengths } }),
  };
}

/** A watermark for JSON, which has no infinities. */
export function encodeWatermark(watermarkMs: number): number | string {
  return watermarkMs === Number.NEGATIVE_INFINITY
    ? "none"
    : watermarkMs === Number.POSITIVE_INFINITY
      ? "end"
      : watermarkMs;
}

/** The reverse of encodeWatermark. */
export function decodeWatermark(watermark: number | string): number {
  return watermark === "none"
    ? Number.NEGATIVE_INFINITY
    : watermark === "end"
      ? Number.POSITIVE_INFINITY
      : (watermark as number);
}
