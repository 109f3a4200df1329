/** From operators to a plan: functions, shuffles, topics and their partitions, once everything is known to fit together. */

import { findProblems, findWarnings } from "./checks.ts";
import { TTL_ATTRIBUTE } from "./dynamo-table.ts";
import { MillraceError } from "./error.ts";
import {
  feedersOf,
  graphOf,
  type OperatorGraph,
  originsOf,
  outsideSinksOf,
  rootsOf,
  type Shuffle,
  tablesWrittenBy,
  topicsWrittenBy,
} from "./graph.ts";
import { clientOf, isStateful, type Node, type SinkNode, type SourceNode } from "./node.ts";
import type { OperatorDefinition } from "./operator-definition.ts";
import type { FunctionPlan, ShufflePlan, TablePlan, TopicPlan, Topology } from "./plan.ts";
import { usesOf } from "./settings.ts";
import type { AnyTopic } from "./topic.ts";

/** Partitions of a declared topic that does not say how many. */
const PARTITIONS_DEFAULT = 4;

/** The partitions of a declared topic. */
export function partitionsOf(topic: AnyTopic): number {
  return topic.partitions ?? PARTITIONS_DEFAULT;
}

/** How many partitions a declared topic has; a test may say otherwise than the declaration. */
export type PartitionCounts = (topic: AnyTopic) => number;

/**
 * The plan of an application. Throws one MillraceError "topology" whose message has a line for each problem: a sentence that names operator,
 * file and line. The order of functions and topics follows from the order of the operators alone.
 *
 * @param writtenElsewhere topics that operators of the application write which are not among these: a deployed function knows only its own
 */
export function buildTopology(
  application: string,
  operators: readonly OperatorDefinition[],
  counts: PartitionCounts = partitionsOf,
  writtenElsewhere: Iterable<string> = [],
): Topology {
  const distinct = [...new Set(operators)];
  const graphs = distinct.map(graphOf);
  const problems = findProblems(application, graphs);
  if (problems.length > 0) throw new MillraceError("topology", problems.join("\n"));

  const written = new Set([
    ...writtenElsewhere,
    ...graphs.flatMap(({ nodes }) => topicsWrittenBy(nodes).map((topic) => topic.topicName)),
  ]);
  const functions = graphs.flatMap((graph) => functionsOf(graph, written, counts));
  return {
    application,
    operators: distinct,
    functions,
    topics: topicsOf(graphs, functions, counts),
    tables: tablesOf(functions),
    warnings: findWarnings(graphs),
  };
}

function functionsOf(
  graph: OperatorGraph,
  written: ReadonlySet<string>,
  counts: PartitionCounts,
): readonly FunctionPlan[] {
  const { operator } = graph;
  const shuffles = planShuffles(graph, counts);
  const toFunction = (name: string, shuffle: ShufflePlan | undefined): FunctionPlan => {
    const nodes = graph.nodes.filter((node) => node.kind !== "source" && graph.runsIn.get(node)!.has(name));
    const sources = shuffle === undefined ? sourcesOf(graph, written, counts) : [];
    const shuffleOutputs = [...shuffles.values()]
      .map((output) => ({ shuffle: output, keyBys: output.sides.filter((side) => nodes.includes(side)) }))
      .filter(({ keyBys }) => keyBys.length > 0);
    const topicOutputs = byName(topicsWrittenBy(nodes)).map((topic) => ({ topic, partitions: counts(topic) }));
    const outsideOutputs = [...new Set(outsideSinksOf(nodes))];
    const tableOutputs = [...new Set(tablesWrittenBy(nodes))];
    return {
      name,
      operator,
      sources,
      shuffle,
      nodes,
      shuffleOutputs,
      topicOutputs,
      tableOutputs,
      outsideOutputs,
      deadLetterTopic: operator.deadLetterTopic,
      commits:
        shuffle !== undefined ||
        shuffleOutputs.length > 0 ||
        nodes.some((node) => isStateful(node) || node.kind === "mapAsync" || usesContext(node)) ||
        sources.some((source) => source.writtenByMillrace) ||
        tableOutputs.length > 0 ||
        outsideOutputs.length > 0 ||
        topicOutputs.some(({ topic }) => topic.exactlyOnce),
      uses: usesOf(nodes.flatMap((node) => clientOf(node) ?? [])),
    };
  };
  return [
    toFunction(operator.operatorName, undefined),
    ...[...shuffles.values()].map((shuffle) => toFunction(shuffle.name, shuffle)),
  ];
}

/**
 * Whether an author's function is given the context, and with it the clock: processed again it may give something else, so what it gave must be
 * committed.
 */
function usesContext(node: Node | SinkNode): boolean {
  if (node.kind === "split") return node.predicates.some(({ fn }) => fn.length >= 2);
  return "fn" in node && node.kind !== "keyBy" && node.fn.length >= 2;
}

function sourcesOf(
  graph: OperatorGraph,
  written: ReadonlySet<string>,
  counts: PartitionCounts,
): FunctionPlan["sources"] {
  return byName(graph.sources.map((source) => source.topic)).map((topic) => ({
    topic,
    nodes: graph.sources.filter((source) => source.topic.topicName === topic.topicName),
    partitions: counts(topic),
    writtenByMillrace: written.has(topic.topicName),
  }));
}

/** The plans of an operator's shuffles; those nearer to the sources first. */
function planShuffles(graph: OperatorGraph, counts: PartitionCounts): ReadonlyMap<Shuffle, ShufflePlan> {
  const plans = new Map<Shuffle, ShufflePlan>();
  for (const shuffle of graph.shuffles) {
    // What can reach it: source topics in the first function, and shuffles that come before, which are planned already.
    const feeders = feedersOf(shuffle, graph.shuffles);
    const feeding = byName(feeders.sources.map((source) => source.topic));
    const before = feeders.shuffles.map((feeder) => plans.get(feeder)!);
    const upstream = [
      ...feeding.map((topic) => ({
        task: `${graph.operator.operatorName}/${topic.topicName}`,
        partitions: counts(topic),
      })),
      ...before.map((shuffle) => ({ task: `${shuffle.name}/${shuffle.name}`, partitions: shuffle.partitions })),
    ];
    // A small stream that goes everywhere does not say how many tasks the other wants.
    const sharing = feedersOf(
      { ...shuffle, keyBys: shuffle.keyBys.filter(({ sends }) => sends !== "to-all") },
      graph.shuffles,
    );
    const widest = Math.max(
      ...sharing.sources.map((source) => counts(source.topic)),
      ...sharing.shuffles.map((feeder) => plans.get(feeder)!.partitions),
    );
    // The sides agree, or findProblems had something to say.
    const { maxParallelism } = shuffle.keyBys[0]!;
    const parallelism = shuffle.keyBys.find((keyBy) => keyBy.parallelism !== undefined)?.parallelism;
    plans.set(shuffle, {
      name: shuffle.name,
      keyByName: shuffle.keyByName,
      partitions: parallelism ?? Math.min(widest, maxParallelism),
      maxParallelism,
      sides: shuffle.keyBys,
      origins: originsOf(shuffle.keyBys, graph.nodes),
      upstream: upstream.flatMap(({ task, partitions }) =>
        Array.from({ length: partitions }, (_, partition) => `${task}-${partition}`),
      ),
      followClockBoundMs: followClockBoundOf(shuffle.keyBys.flatMap(rootsOf)),
    });
  }
  return plans;
}

/** The watermark follows the clock only where every source allows it, and at the greatest of their bounds. */
function followClockBoundOf(roots: readonly SourceNode[]): number | undefined {
  const strategies = roots.map((root) => root.watermark);
  const bounds = strategies.flatMap((strategy) =>
    strategy !== undefined &&
    strategy.kind !== "none" &&
    strategy.whenIdle === "follow-clock" &&
    strategy.idleAfter !== undefined
      ? [strategy.bound as number]
      : [],
  );
  return bounds.length < strategies.length ? undefined : Math.max(...bounds);
}

function topicsOf(
  graphs: readonly OperatorGraph[],
  functions: readonly FunctionPlan[],
  counts: PartitionCounts,
): readonly TopicPlan[] {
  const declared = byName(
    graphs.flatMap((graph) => [...graph.sources.map((source) => source.topic), ...topicsWrittenBy(graph.nodes)]),
  );
  const internal = { compacted: false, external: false, retentionMs: undefined, declared: undefined };
  return [
    ...declared.map((topic) => ({
      name: topic.topicName,
      kind: "declared" as const,
      partitions: counts(topic),
      compacted: topic.compacted,
      external: topic.external,
      retentionMs: topic.retention,
      declared: topic,
    })),
    ...functions.flatMap(({ shuffle }) =>
      shuffle === undefined
        ? []
        : [{ ...internal, name: shuffle.name, kind: "shuffle" as const, partitions: shuffle.partitions }],
    ),
    // Several operators may share one.
    ...[...new Set(graphs.map(({ operator }) => operator.deadLetterTopic))].map((name) => ({
      ...internal,
      name,
      kind: "dead-letter" as const,
      partitions: 1,
    })),
  ];
}

/** One table of each name: where two are called alike, they are keyed alike, or findProblems had something to say. */
function tablesOf(functions: readonly FunctionPlan[]): readonly TablePlan[] {
  const tables = new Map<string, TablePlan>();
  for (const { tableName, partitionKey, sortKey } of functions.flatMap(({ tableOutputs }) => tableOutputs))
    if (!tables.has(tableName))
      tables.set(tableName, {
        name: tableName,
        partitionKey: { name: partitionKey.name, type: partitionKey.type },
        sortKey: sortKey === undefined ? undefined : { name: sortKey.name, type: sortKey.type },
        ttlAttribute: TTL_ATTRIBUTE,
      });
  return [...tables.values()];
}

/** One topic of each name, in the order of their first appearance. */
function byName(topics: readonly AnyTopic[]): readonly AnyTopic[] {
  const first = new Map<string, AnyTopic>();
  for (const topic of topics) if (!first.has(topic.topicName)) first.set(topic.topicName, topic);
  return [...first.values()];
}
