/** The checks of shuffles: that their names differ, and that keyBys which share one fit together. */

import { feedersOf, keyBysOf, type OperatorGraph, type Shuffle } from "./graph.ts";
import { isTwoInput, type KeyByNode } from "./node.ts";
import { at, describeStep, listOf, quote } from "./sentence.ts";

/** One sentence for each problem. */
export function checkShuffles(graph: OperatorGraph): readonly string[] {
  const shared = graph.shuffles.filter(({ keyBys }) => keyBys.length > 1);
  return [
    ...checkNames(graph),
    ...checkTopicKeys(graph),
    ...shared.flatMap((shuffle) => checkSides(graph, shuffle)),
    ...checkLoops(graph),
  ];
}

function checkNames({ operator, shuffles }: OperatorGraph): readonly string[] {
  return [...Map.groupBy(shuffles, ({ keyByName }) => keyByName)].flatMap(([name, same]) => {
    if (same.length < 2) return [];
    const unnamed = same.filter(({ keyBys }) => keyBys.every((keyBy) => keyBy.name === undefined)).length;
    return [
      unnamed > 1
        ? `${at(operator)} has ${unnamed} keyBys without a name; name each but one, as in keyBy(fn, { name: "by-user" }).`
        : `${at(operator)} has ${same.length} keyBys called ${quote(name)}; give each a name of its own.`,
    ];
  });
}

/** The keys of one topic say nothing of where another's elements of the same key are. */
function checkTopicKeys({ operator, nodes }: OperatorGraph): readonly string[] {
  return nodes.filter(isTwoInput).flatMap((node) => {
    if (keyBysOf(node).every((keyBy) => keyBy.fn !== undefined)) return [];
    return [
      `${at(operator)}: ${describeStep(node)} reads two inputs through one shuffle, which keyedByTopicKey cannot spare; use keyBy on both.`,
    ];
  });
}

function checkSides({ operator }: OperatorGraph, { keyByName, keyBys }: Shuffle): readonly string[] {
  const problems: string[] = [];
  const names = distinct(keyBys, (keyBy) => keyBy.name);
  if (names.length > 1)
    problems.push(
      `${at(operator)}: the keyBys ${listOf(names.map((name) => quote(String(name))))} share a shuffle, as a step with two inputs reads both; give them the same name, or only one of them a name.`,
    );
  const differs = (option: "parallelism" | "maxParallelism", values: readonly unknown[]) => {
    if (values.length > 1)
      problems.push(
        `${at(operator)}: the keyBys of the shuffle ${quote(keyByName)} ask for a ${option} of ${listOf(values.map(String))}; give them the same, as a step with two inputs reads both.`,
      );
  };
  differs(
    "parallelism",
    distinct(keyBys, (keyBy) => keyBy.parallelism),
  );
  differs(
    "maxParallelism",
    distinct(keyBys, (keyBy) => keyBy.maxParallelism),
  );
  return problems;
}

/** The different values that are given. */
function distinct<V>(keyBys: readonly KeyByNode[], of: (keyBy: KeyByNode) => V | undefined): readonly V[] {
  return [...new Set(keyBys.map(of))].filter((value) => value !== undefined);
}

/** A shuffle that fed itself would wait for its own watermark. */
function checkLoops({ operator, shuffles }: OperatorGraph): readonly string[] {
  return shuffles.flatMap((shuffle) => {
    const reached = new Set(feedersOf(shuffle, shuffles).shuffles);
    for (const next of reached) for (const before of feedersOf(next, shuffles).shuffles) reached.add(before);
    if (!reached.has(shuffle)) return [];
    return [
      `${at(operator)}: the shuffle ${quote(shuffle.keyByName)} feeds itself, as a step with two inputs reads what is before one of its keyBys and what is behind it; key one of the two by a keyBy of its own, as in keyBy(fn, { name: "to-join" }).`,
    ];
  });
}
