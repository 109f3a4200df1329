/** Which elements evictors leave. After Flink's evictors of the same names. */

import { toNumber } from "../stream/aggregators-numeric.ts";
import { MillraceError } from "../stream/error.ts";
import type { EvictorContext, EvictorSpec, TimedElement } from "../stream/evictor.ts";

type Elements = readonly TimedElement<unknown>[];

/** What is left of the elements before the result is computed, or after it. The array itself where all are. */
export function evict(
  evictor: EvictorSpec,
  when: "before" | "after",
  elements: Elements,
  context: EvictorContext<unknown>,
): Elements {
  if (evictor.kind === "custom") {
    const fn = evictor[when];
    return fn === undefined ? elements : checked(fn(elements, context), elements);
  }
  if (evictor.when !== when || elements.length === 0) return elements;
  switch (evictor.kind) {
    case "count":
      return elements.length <= evictor.n ? elements : elements.slice(elements.length - evictor.n);
    case "time": {
      const newestMs = elements.reduce(
        (newest, { timestampMs }) => Math.max(newest, timestampMs),
        Number.NEGATIVE_INFINITY,
      );
      return filtered(elements, ({ timestampMs }) => timestampMs > newestMs - evictor.length);
    }
    case "delta": {
      const last = (elements.at(-1) as TimedElement<unknown>).value;
      return filtered(
        elements,
        ({ value }) => toNumber("deltaEvictor", evictor.delta(value, last)) < evictor.threshold,
      );
    }
    default:
      return evictor satisfies never;
  }
}

function filtered(elements: Elements, isKept: (element: TimedElement<unknown>) => boolean): Elements {
  const kept = elements.filter(isKept);
  return kept.length === elements.length ? elements : kept;
}

function checked(kept: unknown, elements: Elements): Elements {
  const known = new Set<unknown>(elements);
  if (Array.isArray(kept) && kept.every((element) => known.has(element))) return kept as Elements;
  throw new MillraceError(
    "author",
    "A custom evictor returned something else than an array of elements that it was given.",
  );
}
