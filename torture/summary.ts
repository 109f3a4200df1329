/** What a run came to, for people and for programs. */

import { showCount, showPlural } from "../lib/cli/printable.ts";
import type { Checked } from "./check.ts";
import { BLOW_KINDS, type BlowKind } from "./plan.ts";
import { countKinds, describeKinds } from "./progress.ts";
import { type Dealt, quantile, type Recovery } from "./recovery.ts";

export type Times = { readonly p50Ms: number; readonly p99Ms: number };

export type KindTimes = {
  readonly name: string;
  readonly count: number;
  readonly fromBlow: Times;
  readonly fromBack: Times;
};

export type Summary = {
  readonly verified: boolean;
  readonly seed: number;
  readonly records: number;
  /** SIGKILLs, zombies not among them. */
  readonly kills: number;
  readonly dealt: Readonly<Partial<Record<BlowKind, number>>>;
  /** From the start of the operators until all had processed everything. */
  readonly processedMs: number;
  readonly recordsPerSecond: number;
  readonly deadLetters: number;
  readonly checked: readonly Checked[];
  readonly recoveries: readonly Recovery[];
  /** To the next new result, by kind, of all blows ("all") and of those that fell alone: from the blow, and from when somebody was there again. */
  readonly times: readonly KindTimes[];
  /** Sentences about what differs. */
  readonly differences: readonly string[];
};

export type RunFacts = Pick<Summary, "seed" | "records" | "kills" | "processedMs" | "deadLetters" | "checked"> & {
  readonly dealt: readonly Dealt[];
  readonly recoveries: readonly Recovery[];
};

export function summarize({ dealt, recoveries, ...facts }: RunFacts): Summary {
  const counts = countKinds(dealt);
  const killed = dealt.filter(({ kind }) => kind !== "zombie").length;
  const differences = [
    ...facts.checked.flatMap(({ topic, differences }) => differences.map((sentence) => `${topic}: ${sentence}`)),
    ...(facts.deadLetters > 0 ? [`${showPlural(facts.deadLetters, "record")} in dead-letter topics`] : []),
    ...(killed === facts.kills ? [] : [`${killed} of ${showPlural(facts.kills, "kill")} were dealt`]),
  ];
  return {
    ...facts,
    verified: differences.length === 0,
    dealt: counts,
    recordsPerSecond: facts.records / (facts.processedMs / 1_000),
    recoveries,
    times: timesOf(recoveries),
    differences,
  };
}

function timesOf(recoveries: readonly Recovery[]): readonly KindTimes[] {
  const alone = recoveries.filter(({ isAlone }) => isAlone);
  const groups: readonly (readonly [string, readonly Recovery[]])[] = [
    ["all", recoveries],
    ...BLOW_KINDS.map((kind) => [`${kind} alone`, alone.filter((one) => one.kind === kind)] as const),
  ];
  return groups.flatMap(([name, group]) => {
    if (group.length === 0) return [];
    const times = (values: readonly number[]): Times => ({
      p50Ms: quantile(values, 0.5) as number,
      p99Ms: quantile(values, 0.99) as number,
    });
    return [
      {
        name,
        count: group.length,
        fromBlow: times(group.map(({ fromBlowMs }) => fromBlowMs)),
        fromBack: times(group.map(({ fromBackMs }) => fromBackMs)),
      },
    ];
  });
}

/** The summary in lines. */
export function describeSummary(summary: Summary): readonly string[] {
  const { records, processedMs, recordsPerSecond, dealt, checked, times, seed } = summary;
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`;
  const lines = [
    `${showPlural(records, "record")} in ${seconds(processedMs)} (${showCount(Math.round(recordsPerSecond))}/s), ${describeKinds(dealt)}.`,
    "To the next new result, from the blow and from when a process or a server was there again:",
    ...times.map(
      ({ name, count, fromBlow, fromBack }) =>
        `  ${name.padEnd(16)} ${String(count).padStart(3)}   p50 ${seconds(fromBlow.p50Ms)}, p99 ${seconds(fromBlow.p99Ms)}   there again: p50 ${seconds(fromBack.p50Ms)}, p99 ${seconds(fromBack.p99Ms)}`,
    ),
    ...checked.map(
      ({ topic, read, repeats, expected, differences }) =>
        `${topic}: ${showPlural(read, "record")}, ${showPlural(repeats, "repeat")}; ${differences.length === 0 ? `equal the ${showCount(expected)} expected` : "they DIFFER"}`,
    ),
  ];
  return summary.verified
    ? [...lines, `Verified: every result is there exactly once, and right (seed ${seed}).`]
    : [...lines, `NOT verified (seed ${seed}):`, ...summary.differences.map((sentence) => `  ${sentence}`)];
}
