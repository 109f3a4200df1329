/** How long it took from a blow to the next new result of what it hit. */

import type { BlowKind } from "./plan.ts";
import type { ResultRecord } from "./read-results.ts";

/** A blow that was dealt. */
export type Dealt = {
  readonly kind: BlowKind;
  /** What was hit, for people. */
  readonly what: string;
  /** The topics that what was hit writes, alone or with others. */
  readonly topics: readonly string[];
  readonly atMs: number;
  /** When the process that goes on was there, or the server answered again; undefined: the run ended first. */
  readonly backAtMs: number | undefined;
};

export type Recovery = {
  readonly kind: BlowKind;
  readonly what: string;
  readonly atMs: number;
  readonly fromBlowMs: number;
  readonly fromBackMs: number;
  /** Whether nothing else was dead or missing meanwhile, so that the time is that of this blow. */
  readonly isAlone: boolean;
};

/**
 * For each blow the first new result that was appended once somebody was back; what was on its way when the blow fell does not count. Blows after which
 * nothing was left to do are left out. Records need no order; a repeat is no new result.
 */
export function findRecoveries(blows: readonly Dealt[], records: readonly ResultRecord[]): readonly Recovery[] {
  const appendedAtMs = Map.groupBy(firstAppearances(records), ({ topic }) => topic);
  const found = blows.flatMap(({ kind, what, topics, atMs, backAtMs }) => {
    if (backAtMs === undefined) return [];
    const next = topics
      .flatMap((topic) => appendedAtMs.get(topic) ?? [])
      .reduce((min, record) => (record.atMs >= backAtMs ? Math.min(min, record.atMs) : min), Number.POSITIVE_INFINITY);
    if (next === Number.POSITIVE_INFINITY) return [];
    return [{ kind, what, atMs, fromBlowMs: next - atMs, fromBackMs: next - backAtMs }];
  });
  return found.map((one) => ({ ...one, isAlone: found.every((other) => other === one || areApart(one, other)) }));
}

function areApart(a: { atMs: number; fromBlowMs: number }, b: { atMs: number; fromBlowMs: number }): boolean {
  return a.atMs + a.fromBlowMs < b.atMs || b.atMs + b.fromBlowMs < a.atMs;
}

/** Bundles of a shuffle have no identity of their own, but a repeat has the same bytes. */
function firstAppearances(records: readonly ResultRecord[]): readonly { topic: string; atMs: number }[] {
  const first = new Map<string, { topic: string; atMs: number }>();
  for (const { topic, partition, id, value, appendedAtMs } of records) {
    const name = `${topic}-${partition} ${id ?? value.toString("base64")}`;
    const known = first.get(name);
    if (known === undefined || appendedAtMs < known.atMs) first.set(name, { topic, atMs: appendedAtMs });
  }
  return [...first.values()];
}

/** The value below which a share of all lies; undefined for none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
