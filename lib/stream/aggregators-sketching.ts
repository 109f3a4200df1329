/** Aggregates that keep a sketch of bounded size instead of the elements. */

import type { AggregatorSpec } from "./aggregate.ts";
import { inPlace } from "./aggregators-collecting.ts";
import { toNumber } from "./aggregators-numeric.ts";
import { addDistinct, distinctCount, mergeDistinct, newDistinctSketch } from "./distinct-sketch.ts";
import { MillraceError } from "./error.ts";
import { encodeKey } from "./key.ts";
import type { AuthorFunction } from "./node.ts";
import { addNumber, mergeQuantiles, newQuantileSketch, quantilesOf } from "./quantile-sketch.ts";

const ERROR_DEFAULT = 0.01;
const ERROR_MIN = 0.001;
const ERROR_MAX = 0.1;

/** How near quantiles are. */
export interface QuantileOptions {
  /** The relative error: a quantile of 100 stands for a number from 100 · (1 − error) to 100 · (1 + error). 0.001 to 0.1, default 0.01. */
  readonly error?: number;
}

export function quantileOf(
  parts: number | readonly number[],
  by: AuthorFunction,
  { error = ERROR_DEFAULT }: QuantileOptions = {},
): AggregatorSpec {
  const all = typeof parts === "number" ? [parts] : parts;
  if (!Array.isArray(all) || all.length === 0 || !all.every((part) => part >= 0 && part <= 1))
    throw new MillraceError(
      "definition",
      `on.quantile takes a number from 0 to 1, as 0.95, or an array of them; not ${JSON.stringify(parts)}.`,
    );
  if (!(error >= ERROR_MIN && error <= ERROR_MAX))
    throw new MillraceError(
      "definition",
      `The error of on.quantile is ${ERROR_MIN} to ${ERROR_MAX}, a part of the number; not ${error}.`,
    );
  return inPlace<Uint8Array, number>(
    {
      kind: "quantile",
      form: `quantile within ${error}`,
      create: () => newQuantileSketch(error),
      merge: mergeQuantiles,
      result: (sketch) => {
        const quantiles = quantilesOf(sketch, all).map((quantile) => quantile ?? null);
        return typeof parts === "number" ? quantiles[0] : quantiles;
      },
      changed: nothingOfAuthors,
    },
    (value) => {
      const number = toNumber("quantile", by(value));
      if (Number.isFinite(number)) return number;
      throw new MillraceError(
        "author",
        `The function given to quantile returned ${number}, which has no distance to others.`,
      );
    },
    addNumber,
  );
}

export function distinctBy(by: AuthorFunction): AggregatorSpec {
  return inPlace<Uint8Array, string | null>(
    {
      kind: "distinct",
      create: newDistinctSketch,
      merge: mergeDistinct,
      result: distinctCount,
      changed: nothingOfAuthors,
    },
    (value) => toText(by(value)),
    (sketch, text) => (text === null ? sketch : addDistinct(sketch, text)),
  );
}

/** The text that stands for a value, as it would for a key; null for what is not counted. */
function toText(value: unknown): string | null {
  if (value === null) return null;
  try {
    return encodeKey(value);
  } catch (cause) {
    throw new MillraceError(
      "author",
      `The function given to distinct returned what is no key: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** There are only bytes of ours in a sketch. */
const nothingOfAuthors = () => null;
