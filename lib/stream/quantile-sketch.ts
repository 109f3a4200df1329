/**
 * Quantiles of numbers with a bounded relative error, after DDSketch (Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with
 * relative-error guarantees", 2019): up to EXACT_MAX numbers as they are, more as counts in bins whose bounds grow by a factor.
 *
 * 1. The bytes depend on the numbers alone: not on their order, or how they were split before they were merged.
 * 2. A quantile is at most `error` of itself away from the number that it stands for. Least and greatest are exact.
 * 3. There are at most 20.48 / error bins for numbers above 0, and as many for those below. Numbers that lie more than a factor of 6 × 10^17 nearer to 0 than the
 *    farthest of their sign share a bin; for these (2) does not hold. Numbers nearer to 0 than 2.3e-308 count as 0.
 */

import { MillraceError } from "./error.ts";

const VERSION = 1;
/** In place of the width of counters: there are none yet. */
const EXACT = 0;
const EXACT_MAX = 32;

// Byte 0: version. 1: EXACT, or bytes of a counter. 2, 3: the error in steps of 1e-5. Then numbers in order, or:
const EXACT_AT = 4;
const LEAST_AT = 4;
const GREATEST_AT = 12;
const ZEROS_AT = 20;
const BELOW_AT = 28;
const ABOVE_AT = 34;
const COUNTERS_AT = 40;

const ERROR_STEP = 1e-5;
const LEAST_NORMAL = 2 ** -1022;

/** Bins from `low` on. What would lie below the bins that there may be is counted in the lowest. */
type Bins = { low: number; counts: number[] };

type Unpacked = { error: number; least: number; greatest: number; zeros: number; below: Bins; above: Bins };

/** The sketch of nothing. `error` is 0.001 to 0.1. */
export function newQuantileSketch(error: number): Uint8Array {
  const steps = Math.round(error / ERROR_STEP);
  return new Uint8Array([VERSION, EXACT, steps & 255, steps >> 8]);
}

/** Adds a finite number; may change and return the sketch, or return another. */
export function addNumber(sketch: Uint8Array, number: number): Uint8Array {
  if (sketch[1] === EXACT) return addExact(sketch, number);
  const counted = Math.abs(number) < LEAST_NORMAL ? undefined : countUp(sketch, number);
  if (counted === undefined) {
    const unpacked = unpack(sketch);
    insert(unpacked, number);
    return pack(unpacked);
  }
  const view = viewOf(counted);
  if (number < view.getFloat64(LEAST_AT, true)) view.setFloat64(LEAST_AT, number, true);
  if (number > view.getFloat64(GREATEST_AT, true)) view.setFloat64(GREATEST_AT, number, true);
  return counted;
}

/** Adds what `b` holds to `a`, which may be changed; `b` stays as it is. Throws a MillraceError "state-unusable" for sketches of different errors. */
export function mergeQuantiles(a: Uint8Array, b: Uint8Array): Uint8Array {
  requireVersion(a);
  requireVersion(b);
  if (errorOf(a) !== errorOf(b))
    throw new MillraceError(
      "state-unusable",
      `A quantile sketch with an error of ${errorOf(b)} was to be merged into one of ${errorOf(a)}: the error was changed while elements were under way.`,
    );
  if (b[1] === EXACT) return exactNumbers(b).reduce(addNumber, a);
  if (a[1] === EXACT) return exactNumbers(a).reduce(addNumber, b.slice());
  const into = unpack(a);
  const from = unpack(b);
  into.least = Math.min(into.least, from.least);
  into.greatest = Math.max(into.greatest, from.greatest);
  into.zeros += from.zeros;
  // From the highest, so that the bins are moved at most once.
  for (const side of ["below", "above"] as const)
    for (let i = from[side].counts.length - 1; i >= 0; i--)
      count(into[side], from[side].low + i, from[side].counts[i] as number, binsMax(into.error));
  return pack(into);
}

/**
 * For each part of 1: the least of the numbers that at least this part of all numbers does not exceed, as `percentile_disc` in SQL. undefined for all where
 * there are no numbers.
 */
export function quantilesOf(sketch: Uint8Array, parts: readonly number[]): (number | undefined)[] {
  requireVersion(sketch);
  if (sketch[1] === EXACT) {
    const numbers = exactNumbers(sketch);
    return parts.map((part) => numbers[rankOf(part, numbers.length)]);
  }
  const { error, least, greatest, zeros, below, above } = unpack(sketch);
  const growth = growthOf(error);
  const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
  const belowCount = sum(below.counts);
  const all = belowCount + zeros + sum(above.counts);
  // From the lower bound, which is no larger than the numbers.
  const middleOf = (bin: number) => growth ** (bin - 1) * ((2 * growth) / (1 + growth));
  const numberAt = (rank: number): number => {
    if (rank === 0) return least;
    if (rank === all - 1) return greatest;
    if (rank < belowCount) return -middleOf(binAt(below, belowCount - 1 - rank));
    return rank < belowCount + zeros ? 0 : middleOf(binAt(above, rank - belowCount - zeros));
  };
  return parts.map((part) => Math.min(greatest, Math.max(least, numberAt(rankOf(part, all)))));
}

/** From 0. Without the last bit, with which 0.07 × 100 is more than 7. */
function rankOf(part: number, count: number): number {
  return Math.max(0, Math.ceil(part * count * (1 - 1e-15)) - 1);
}

function binAt({ low, counts }: Bins, rank: number): number {
  let bin = low;
  for (let left = rank; left >= (counts[bin - low] as number); bin++) left -= counts[bin - low] as number;
  return bin;
}

function addExact(sketch: Uint8Array, number: number): Uint8Array {
  const count = (sketch.length - EXACT_AT) / 8;
  // Without −0.
  const added = number + 0;
  if (count === EXACT_MAX) {
    const unpacked = unpackExact(sketch);
    insert(unpacked, added);
    return pack(unpacked);
  }
  const view = viewOf(sketch);
  let from = 0;
  for (let to = count; from < to; ) {
    const middle = (from + to) >>> 1;
    if (view.getFloat64(EXACT_AT + middle * 8, true) < added) from = middle + 1;
    else to = middle;
  }
  const at = EXACT_AT + from * 8;
  const larger = new Uint8Array(sketch.length + 8);
  larger.set(sketch.subarray(0, at));
  viewOf(larger).setFloat64(at, added, true);
  larger.set(sketch.subarray(at), at + 8);
  return larger;
}

function exactNumbers(sketch: Uint8Array): number[] {
  const view = viewOf(sketch);
  return Array.from({ length: (sketch.length - EXACT_AT) / 8 }, (_, i) => view.getFloat64(EXACT_AT + i * 8, true));
}

function unpackExact(sketch: Uint8Array): Unpacked {
  const none = (): Bins => ({ low: 0, counts: [] });
  const unpacked: Unpacked = {
    error: errorOf(sketch),
    least: Number.POSITIVE_INFINITY,
    greatest: Number.NEGATIVE_INFINITY,
    zeros: 0,
    below: none(),
    above: none(),
  };
  for (const number of exactNumbers(sketch)) insert(unpacked, number);
  return unpacked;
}

/** Counts a number as nearly all are: without another look at what is there. undefined: bins have to be joined, or counters widened. */
function countUp(sketch: Uint8Array, number: number): Uint8Array | undefined {
  const view = viewOf(sketch);
  const at = number < 0 ? BELOW_AT : ABOVE_AT;
  const low = view.getInt32(at, true);
  const length = view.getUint16(at + 4, true);
  const error = errorOf(sketch);
  const bin = binOf(Math.abs(number), error);
  const width = sketch[1] as number;
  const first = COUNTERS_AT + (number < 0 ? 0 : view.getUint16(BELOW_AT + 4, true)) * width;
  if (length > 0 && ((bin >= low && bin < low + length) || (bin < low && length === binsMax(error))))
    return raiseCounter(sketch, first + Math.max(0, bin - low) * width, width) ? sketch : undefined;
  const newLow = length === 0 ? bin : Math.min(low, bin);
  const newLength = length === 0 ? 1 : Math.max(low + length, bin + 1) - newLow;
  if (newLength > binsMax(error)) return undefined;
  const larger = new Uint8Array(sketch.length + (newLength - length) * width);
  const moved = length === 0 ? 0 : (low - newLow) * width;
  const end = first + length * width;
  larger.set(sketch.subarray(0, first));
  larger.set(sketch.subarray(first, end), first + moved);
  larger.set(sketch.subarray(end), first + newLength * width);
  const itsView = viewOf(larger);
  itsView.setInt32(at, newLow, true);
  itsView.setUint16(at + 4, newLength, true);
  larger[first + (bin - newLow) * width] = 1;
  return larger;
}

/** False where the counter is full. */
function raiseCounter(sketch: Uint8Array, first: number, width: number): boolean {
  for (let i = first; i < first + width; i++) {
    const byte = sketch[i] as number;
    if (byte === 255) continue;
    sketch[i] = byte + 1;
    sketch.fill(0, first, i);
    return true;
  }
  return false;
}

function insert(into: Unpacked, number: number): void {
  const size = Math.abs(number);
  if (size < LEAST_NORMAL) into.zeros++;
  else count(number < 0 ? into.below : into.above, binOf(size, into.error), 1, binsMax(into.error));
  const shown = size < LEAST_NORMAL ? 0 : number;
  into.least = Math.min(into.least, shown);
  into.greatest = Math.max(into.greatest, shown);
}

/** Counts `n` more in a bin. */
function count(bins: Bins, bin: number, n: number, max: number): void {
  if (n === 0) return;
  const { low, counts } = bins;
  const { length } = counts;
  if (length === 0 || (bin < low && length < max) || bin >= low + length) {
    const highest = length === 0 ? bin : Math.max(low + length - 1, bin);
    bins.low = Math.max(length === 0 ? bin : Math.min(low, bin), highest - max + 1);
    bins.counts = new Array<number>(highest - bins.low + 1).fill(0);
    for (const [i, there] of counts.entries()) addAt(bins, low + i, there);
  }
  addAt(bins, bin, n);
}

function addAt({ low, counts }: Bins, bin: number, n: number): void {
  const i = Math.max(0, bin - low);
  counts[i] = (counts[i] as number) + n;
}

function pack({ error, least, greatest, zeros, below, above }: Unpacked): Uint8Array {
  let most = 0;
  for (const { counts } of [below, above]) for (const n of counts) if (n > most) most = n;
  const width = most < 2 ** 8 ? 1 : most < 2 ** 16 ? 2 : most < 2 ** 32 ? 4 : 8;
  const sketch = new Uint8Array(COUNTERS_AT + (below.counts.length + above.counts.length) * width);
  const view = viewOf(sketch);
  sketch[0] = VERSION;
  sketch[1] = width;
  view.setUint16(2, Math.round(error / ERROR_STEP), true);
  view.setFloat64(LEAST_AT, least, true);
  view.setFloat64(GREATEST_AT, greatest, true);
  view.setFloat64(ZEROS_AT, zeros, true);
  packBins(sketch, BELOW_AT, below, COUNTERS_AT);
  packBins(sketch, ABOVE_AT, above, COUNTERS_AT + below.counts.length * width);
  return sketch;
}

function packBins(sketch: Uint8Array, headAt: number, { low, counts }: Bins, countersAt: number): void {
  const view = viewOf(sketch);
  const width = sketch[1] as number;
  view.setInt32(headAt, low, true);
  view.setUint16(headAt + 4, counts.length, true);
  let at = countersAt;
  for (const n of counts)
    for (let byte = 0, rest = n; byte < width; byte++, at++) {
      sketch[at] = rest;
      rest = Math.floor(rest / 256);
    }
}

function unpack(sketch: Uint8Array): Unpacked {
  const view = viewOf(sketch);
  const belowBytes = view.getUint16(BELOW_AT + 4, true) * (sketch[1] as number);
  return {
    error: errorOf(sketch),
    least: view.getFloat64(LEAST_AT, true),
    greatest: view.getFloat64(GREATEST_AT, true),
    zeros: view.getFloat64(ZEROS_AT, true),
    below: unpackBins(sketch, BELOW_AT, COUNTERS_AT),
    above: unpackBins(sketch, ABOVE_AT, COUNTERS_AT + belowBytes),
  };
}

function unpackBins(sketch: Uint8Array, headAt: number, countersAt: number): Bins {
  const view = viewOf(sketch);
  const width = sketch[1] as number;
  const counts: number[] = [];
  for (let i = 0; i < view.getUint16(headAt + 4, true); i++) {
    let n = 0;
    for (let at = countersAt + (i + 1) * width - 1; at >= countersAt + i * width; at--)
      n = n * 256 + (sketch[at] as number);
    counts.push(n);
  }
  return { low: view.getInt32(headAt, true), counts };
}

function viewOf({ buffer, byteOffset }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset);
}

function errorOf(sketch: Uint8Array): number {
  return ((sketch[2] as number) | ((sketch[3] as number) << 8)) * ERROR_STEP;
}

function binsMax(error: number): number {
  return Math.floor(20.48 / error);
}

/** Between the bounds of a bin; its middle is then at most `error` of itself away from all that is in it. */
function growthOf(error: number): number {
  return (1 + error) / (1 - error);
}

function binOf(size: number, error: number): number {
  return Math.ceil(Math.log(size) / logGrowthOf(error));
}

let lastError = Number.NaN;
let lastLogGrowth = Number.NaN;

/** The logarithm of the growth; that of the error asked for last is remembered. */
function logGrowthOf(error: number): number {
  if (error !== lastError) {
    lastError = error;
    lastLogGrowth = Math.log(growthOf(error));
  }
  return lastLogGrowth;
}

function requireVersion(sketch: Uint8Array): void {
  if (sketch[0] !== VERSION)
    throw new MillraceError(
      "format",
      `State holds a quantile sketch of version ${sketch[0]}; this code knows version ${VERSION}.`,
    );
}
