/** The figures of the comparison, from what each side took. */

import { quantile } from "../measure.ts";
import type { Row } from "../section.ts";
import type { Taken } from "./side-process.ts";
import type { Side } from "./sides.ts";

export type Run = Taken & {
  readonly wallSeconds: number;
  readonly serverCpuSeconds: number | undefined;
  /** Records in the topic of the results, repeats and updates included. */
  readonly results: number;
};

/** Who is to be how many times as fast as whom. */
const WANTED: readonly (readonly [side: string, than: string, times: number])[] = [
  ["functions-parsed", "flink-1s", 2],
  ["millrace", "flink-1s", 1],
  ["functions-parsed", "streams-eos", 3],
  ["millrace", "streams-eos", 1.5],
];

/** A row for each side, medians over its runs, and one for each target of which both sides took part. */
export function toRows(runs: ReadonlyMap<Side, readonly Run[]>, records: number): Row[] {
  const byId = new Map([...runs].map(([side, own]) => [side.id, { side, own }]));
  const ratios = WANTED.flatMap(([id, thanId, times]) => {
    const [one, other] = [byId.get(id), byId.get(thanId)];
    if (one === undefined || other === undefined) return [];
    // Of each round by itself: what else the machine had to do was about the same for both.
    const perRound = one.own.map((run, i) => (other.own[i] as Run).cpuSeconds / run.cpuSeconds);
    const ratio = median(perRound);
    return [
      {
        what: `${id} against ${thanId}`,
        figure: `${perRound.map((each) => each.toFixed(2)).join(", ")}; median`,
        value: ratio,
        unit: "times as many records per CPU second",
        ratio,
        target: `≥ ${times}`,
      },
    ];
  });
  return [...[...runs].map(([side, own]) => toRow(side, own, records)), ...ratios];
}

/** One run by itself, in a few words. */
export function describeRun({ cpuSeconds, wallSeconds }: Run, records: number): string {
  return `${thousands(records / cpuSeconds)} records per CPU second, ${wallSeconds.toFixed(1)} s`;
}

function toRow(side: Side, own: readonly Run[], records: number): Row {
  const rates = inOrder(own.map(({ cpuSeconds }) => records / cpuSeconds));
  const of = (value: (run: Run) => number) => median(own.map(value));
  const warm = of((run) => (records - run.warmFromRecord) / run.warmCpuSeconds);
  const rate = quantile(rates, 0.5);
  const servers = own.some(({ serverCpuSeconds }) => serverCpuSeconds === undefined)
    ? ""
    : `, CPU of the servers ${of((run) => run.serverCpuSeconds as number).toFixed(1)} s`;
  return {
    what: `${side.id}: ${side.what}`,
    figure: [
      `${thousands(rate)} records per CPU second (${thousands(rates[0] as number)} to ${thousands(rates.at(-1) as number)}; second half ${thousands(warm)})`,
      `${of(({ wallSeconds }) => wallSeconds).toFixed(1)} s, ${Math.round(of(({ rssBytes }) => rssBytes) / 2 ** 20)} MiB at most${servers}`,
      `${of(({ results }) => results).toLocaleString("en")} results written`,
    ].join("; "),
    value: rate,
    unit: "records per CPU second",
  };
}

export function median(values: readonly number[]): number {
  return quantile(inOrder(values), 0.5);
}

function thousands(rate: number): string {
  return `${Math.round(rate / 1_000).toLocaleString("en")} k`;
}

function inOrder(values: readonly number[]): readonly number[] {
  return values.toSorted((a, b) => a - b);
}
