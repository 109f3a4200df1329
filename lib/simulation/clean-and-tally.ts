/**
 * Records cleaned by a function without a log; what it writes is tallied by one that reads it, once by its key and once behind a shuffle whose elements
 * go to several partitions; every second tally goes to a topic that is written exactly once, and is read again.
 */

import type { Draw } from "./draw.ts";
import { add, differences, type Input, type MakeProgram, type Program, type Results } from "./program.ts";
import type { Production } from "./variants.ts";

const PARTITIONS = 2;
const KEYS = ["ash", "birch", "cedar", "douglas fir", "elm"];
const BAD = "bad";
/** Filtered out. */
const NOISE = "noise";

export const cleanAndTally: MakeProgram = (production) => ({
  name: "clean and tally",
  operators: operatorsOf(production),
  exactlyOnce: new Set(["evens", "evens-again"]),
  mayStartOver: false,
  inputs: inputsOf,
  judge,
});

function operatorsOf({ json, operator, stream, text, topic }: Production): Program["operators"] {
  const raw = topic("raw", { key: text(), value: text(), partitions: PARTITIONS });
  const clean = topic("clean", { key: text(), value: text(), partitions: PARTITIONS });
  const tallies = topic("tallies", { key: text(), value: json<number>(), partitions: PARTITIONS });
  const letters = topic("letters", { key: text(), value: json<number>(), partitions: 1 });
  const evens = topic("evens", { key: text(), value: json<number>(), partitions: PARTITIONS, exactlyOnce: true });
  const evensAgain = topic("evens-again", { key: text(), value: json<number>(), partitions: 1, exactlyOnce: true });
  const cleaned = operator(
    "clean-records",
    stream(raw)
      .filter((value) => value !== NOISE)
      .map((value) => {
        if (value === BAD) throw new Error("a bad record");
        return value.trim();
      })
      .to(clean.record({ key: (value) => value, value: (value) => value })),
  );
  const byKey = stream(clean).keyedByTopicKey().count();
  const tally = operator(
    "tally",
    byKey.to(tallies.from(({ value }) => value)),
    byKey.filter(({ value }) => value % 2 === 0).to(evens.from(({ value }) => value)),
    stream(clean)
      .keyBy((value) => value.slice(0, 1), { name: "by-letter", parallelism: 3 })
      .count()
      .to(letters.from(({ value }) => value)),
  );
  const again = operator(
    "again",
    stream(evens)
      .keyedByTopicKey()
      .count()
      .to(evensAgain.from(({ value }) => value)),
  );
  return [cleaned, tally, again];
}

function inputsOf(draw: Draw, startMs: number): Input[] {
  const pauseMs = draw.magnitude(2, 300);
  const oddRate = draw.occurs(0.5) ? 0.15 : 0;
  let atMs = 0;
  return Array.from({ length: draw.between(1, draw.pick([6, 12, 12, 30, 50])) }, () => {
    atMs += draw.below(pauseMs * 2);
    const value = draw.occurs(oddRate) ? draw.pick([BAD, NOISE]) : ` ${draw.pick(KEYS)} `;
    return { topic: "raw", partition: draw.below(PARTITIONS), atMs, timestampMs: startMs + atMs, key: null, value };
  });
}

function judge(inputs: readonly Input[], results: Results): string[] {
  const tallies = new Map<string, number>();
  const evens = new Map<string, number>();
  const letters = new Map<string, number>();
  const again = new Map<string, number>();
  let bad = 0;
  const keys = new Map<string, number>();
  for (const { value } of inputs) {
    if (value === BAD) bad += 1;
    if (value === BAD || value === NOISE) continue;
    const key = value.trim();
    add(keys, key, 1);
    const n = keys.get(key) as number;
    add(tallies, `${key} ${n}`, 1);
    if (n % 2 === 0) add(evens, `${key} ${n}`, 1);
    if (n % 2 === 0) add(again, `${key} ${n / 2}`, 1);
    add(keys, `letter ${key.slice(0, 1)}`, 1);
    add(letters, `${key.slice(0, 1)} ${keys.get(`letter ${key.slice(0, 1)}`)}`, 1);
  }
  const counted = (topic: string) => {
    const found = new Map<string, number>();
    for (const { key, value } of results.of(topic)) add(found, `${key} ${value}`, 1);
    return found;
  };
  const { isPartial } = results;
  const buried = results.of("clean-records--dead-letters").length;
  return [
    ...differences("tallies", tallies, counted("tallies"), isPartial),
    ...differences("evens", evens, counted("evens"), isPartial),
    ...differences("evens again", again, counted("evens-again"), isPartial),
    ...differences("letters", letters, counted("letters"), isPartial),
    ...(buried === bad || (isPartial && buried < bad) ? [] : [`${buried} records were set aside instead of ${bad}`]),
  ];
}
