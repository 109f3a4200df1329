/** What must hold before anything runs: each check returns sentences that name the operator, its file and what to do. */

import { checkCycles } from "./check-cycles.ts";
import { checkOutsideSinks } from "./check-outside-sinks.ts";
import { checkShuffles } from "./check-shuffles.ts";
import { checkTables } from "./check-tables.ts";
import { checkTopicDeclarations } from "./check-topic-declarations.ts";
import { behind, keyByNameOf, keyBysOf, type OperatorGraph, rootsOf, stepNameOf } from "./graph.ts";
import {
  isStateful,
  isTwoInput,
  type KeyByNode,
  type Node,
  type SinkNode,
  type SinkTarget,
  type SourceNode,
  type StatefulNode,
  topicsOf,
} from "./node.ts";
import { at, describeStep, listOf, quote } from "./sentence.ts";
import { needsEventTime } from "./trigger.ts";
import { sameStrategy } from "./watermark-strategy.ts";

/** A Lambda function's name, of which the application's prefix takes a part, has 64 characters. */
const FUNCTION_NAME_CHARACTERS_MAX = 64;
const NAME_RULE =
  "a name begins with a letter, consists of letters, digits, '-' and '_', has no '--' and does not end in '-'";

/** All problems of an application, one sentence each. */
export function findProblems(application: string, graphs: readonly OperatorGraph[]): readonly string[] {
  const problems: string[] = [];
  if (!isName(application)) problems.push(`The application's name cannot be ${quote(application)}: ${NAME_RULE}.`);
  problems.push(...checkOperatorNames(graphs));
  for (const graph of graphs)
    problems.push(
      ...checkSinks(graph),
      ...checkOutsideSinks(graph),
      ...checkNames(graph),
      ...checkSources(graph),
      ...checkShuffles(graph),
      ...checkKeys(graph),
      ...checkStepNames(graph),
      ...checkEventTime(graph),
    );
  problems.push(...checkTopicDeclarations(graphs), ...checkTables(graphs), ...checkCycles(graphs));
  return problems;
}

/** What is allowed and probably not meant. */
export function findWarnings(graphs: readonly OperatorGraph[]): readonly string[] {
  return graphs.flatMap((graph) => [
    ...warnOfUselessKeys(graph),
    ...warnOfGuessedPartitions(graph),
    ...warnOfSingleTasks(graph),
    ...warnOfQuietSides(graph),
  ]);
}

function checkOperatorNames(graphs: readonly OperatorGraph[]): readonly string[] {
  const groups = Map.groupBy(graphs, ({ operator }) => operator.operatorName);
  return [...groups].flatMap(([name, same]) => {
    if (same.length < 2) return [];
    const places = same.map(({ operator: { file, line } }) => (file === "" ? "an unknown place" : `${file}:${line}`));
    return [`${same.length} operators are called ${quote(name)}: ${listOf(places)}; give each a name of its own.`];
  });
}

function checkSinks({ operator }: OperatorGraph): readonly string[] {
  if (operator.sinks.length > 0) return [];
  return [
    `${at(operator)} has no sinks, so it would do nothing; end a stream with .to(topic) and give it to operator().`,
  ];
}

function checkNames({ operator, nodes, shuffles }: OperatorGraph): readonly string[] {
  const problems: string[] = [];
  if (!isName(operator.operatorName)) problems.push(`${at(operator)} cannot have this name: ${NAME_RULE}.`);
  for (const node of nodes)
    if (node.kind !== "branch" && node.kind !== "union" && node.name !== undefined && !isName(node.name))
      problems.push(`${at(operator)}: a ${node.kind} cannot be called ${quote(node.name)}: ${NAME_RULE}.`);
  for (const { keyByName } of shuffles)
    if (keyByName === "dead-letters")
      problems.push(`${at(operator)}: a keyBy cannot be called "dead-letters", as the topic of its dead letters is.`);
  const names = new Set([operator.operatorName, ...shuffles.map(({ name }) => name)]);
  for (const name of names)
    if (name.length > FUNCTION_NAME_CHARACTERS_MAX)
      problems.push(
        `${at(operator)}: the function's name ${quote(name)} has ${name.length} characters and may have ${FUNCTION_NAME_CHARACTERS_MAX}.`,
      );
  return problems;
}

/** A task reads a partition once: with one place to begin and one watermark. */
function checkSources({ operator, sources }: OperatorGraph): readonly string[] {
  return [...Map.groupBy(sources, (source) => source.topic.topicName)].flatMap(([name, [first, ...others]]) => {
    const differs = others.map((other) => whatDiffers(first!, other)).find((what) => what !== undefined);
    if (differs === undefined) return [];
    return [
      `${at(operator)} reads the topic ${quote(name)} more than once with different ${differs}; read it once and use the stream twice.`,
    ];
  });
}

function whatDiffers(a: SourceNode, b: SourceNode): string | undefined {
  if (a.startAt !== b.startAt) return "startAt";
  if (!sameStrategy(a.watermark, b.watermark)) return "watermarks";
  if (a.reads === b.reads && a.timestampOf !== b.timestampOf) return "timestampOf";
  return undefined;
}

function checkKeys({ operator, nodes }: OperatorGraph): readonly string[] {
  const problems: string[] = [];
  for (const node of nodes) {
    if (isStateful(node) && keyBysOf(node).length === 0)
      problems.push(`${at(operator)}: ${describeStep(node)} keeps state per key; put a keyBy before it.`);
    if (node.kind !== "keyBy" || node.fn !== undefined) continue;
    const topics = new Set(rootsOf(node).map((root) => root.topic));
    if (keyBysOf(node).length > 0 || topics.size > 1)
      problems.push(
        `${at(operator)}: keyedByTopicKey needs what was read from a single topic and has had no other key; use keyBy.`,
      );
    else if (behind(node, nodes).some(isStateful))
      for (const topic of topics)
        if (topic.keyFormat === undefined)
          problems.push(
            `${at(operator)} keeps state by the key of the topic ${quote(topic.topicName)}, which has no key format; give the topic one (key: text()), or use keyBy.`,
          );
  }
  return problems;
}

/** The identity of state is operator / keyBy name / step name: no two steps may share it. */
function checkStepNames({ operator, nodes, shuffles }: OperatorGraph): readonly string[] {
  // Two shuffles of one name are told of already; two keyedByTopicKey of one name are one scope.
  const scopeOf = (node: StatefulNode) =>
    `${stepNameOf(node)} ${[...new Set(keyBysOf(node).map((keyBy) => (keyBy.fn === undefined ? keyByNameOf(keyBy) : shuffles.findIndex(({ keyBys }) => keyBys.includes(keyBy)))))]}`;
  return [...Map.groupBy(nodes.filter(isStateful), scopeOf).values()].flatMap((same) => {
    if (same.length < 2) return [];
    const [first] = same;
    const keyBy = keyBysOf(first!)[0];
    const after = keyBy === undefined ? "" : ` after the keyBy ${quote(keyByNameOf(keyBy))}`;
    const unnamed = same.filter((node) => node.name === undefined).length;
    return [
      unnamed > 1
        ? `${at(operator)} has ${unnamed} steps of the kind ${quote(stepNameOf(first!))} without a name${after}; name each but one, as in ${exampleOf(first!)}, so that their state can be told apart.`
        : `${at(operator)} has ${same.length} steps called ${quote(stepNameOf(first!))}${after}; give each a name of its own, so that their state can be told apart.`,
    ];
  });
}

function exampleOf(node: StatefulNode): string {
  if (node.kind === "window") return 'window(assigner, { name: "per-minute" })';
  if (node.kind === "connect" || node.kind === "broadcast") return 'process(…, { name: "machine" })';
  if (isTwoInput(node)) return 'map(fn, { name: "paid-orders" })';
  if (node.kind === "process")
    return node.method === "process" ? 'process(…, { name: "machine" })' : 'deduplicate({ name: "first" })';
  if (node.kind === "pattern") return 'select(fn, { name: "abandoned" })';
  return `${node.method}(${node.method === "count" ? "" : "…, "}{ name: "total" })`;
}

function checkEventTime({ operator, nodes }: OperatorGraph): readonly string[] {
  const isTimeless = ({ watermark }: SourceNode) => watermark === undefined || watermark.kind === "none";
  const namesOf = (timeless: readonly SourceNode[]) => [...new Set(timeless.map((root) => root.topic.topicName))];
  return nodes.flatMap((node) => {
    if (!isInEventTime(node)) return [];
    const roots = rootsOf(node);
    return namesOf(roots.filter(isTimeless)).map(
      (name) =>
        `${at(operator)}: ${describeStep(node)} is in event time, but the topic ${quote(name)} has none; give the topic a watermark, such as boundedOutOfOrderness(seconds(5)).`,
    );
  });
}

function isInEventTime(node: Node | SinkNode): node is StatefulNode {
  if (node.kind === "window" && node.trigger !== undefined && needsEventTime(node.trigger)) return true;
  if (node.kind === "pattern") return node.time === "event";
  return node.kind === "window" || node.kind === "windowJoin"
    ? node.assigner.time === "event"
    : isTwoInput(node) && node.kind !== "connect" && node.kind !== "broadcast";
}

function warnOfUselessKeys({ operator, nodes, shuffles }: OperatorGraph): readonly string[] {
  const useless = (node: KeyByNode) =>
    !behind(node, nodes).some((next) => isStateful(next) || (next.kind === "sink" && usesKey(next.target)));
  return nodes.flatMap((node) =>
    node.kind === "keyBy" && !shuffles.some(({ keyBys }) => keyBys.includes(node)) && useless(node)
      ? [
          `${at(operator)}: nothing uses the key of the keyBy ${quote(keyByNameOf(node))}: no state follows, and no topic with a key.`,
        ]
      : [],
  );
}

function usesKey(target: SinkTarget): boolean {
  return target.kind === "outside" || topicsOf(target).some((topic) => topic.keyFormat !== undefined);
}

/** As Flink's documentation of windowAll does. */
function warnOfSingleTasks({ operator, nodes }: OperatorGraph): readonly string[] {
  return nodes.flatMap((node) =>
    node.kind === "window" && node.all
      ? [`${at(operator)}: ${describeStep(node)} is over all keys, so that one task gets all its elements.`]
      : [],
  );
}

/** What changes seldom holds back all that waits for the watermark. */
function warnOfQuietSides({ operator, nodes }: OperatorGraph): readonly string[] {
  const waiting = nodes.filter((node) => isInEventTime(node) || ("onTimer" in node && node.onTimer !== undefined));
  const isQuiet = (root: SourceNode) =>
    root.watermark?.kind !== "none" &&
    root.watermark?.idleAfter === undefined &&
    waiting.some((node) => rootsOf(node).includes(root));
  const warned = nodes.flatMap((node) =>
    node.kind === "tableJoin" || node.kind === "broadcast"
      ? rootsOf(node.inputs[1])
          .filter(isQuiet)
          .map(
            ({ topic }) =>
              `${at(operator)}: the topic ${quote(topic.topicName)} is ${node.kind === "broadcast" ? "broadcast" : "read as a table"} and has no idleAfter, so that while it is quiet nothing happens in event time; give it one, as in boundedOutOfOrderness(seconds(5), { idleAfter: seconds(30) }).`,
          )
      : [],
  );
  return [...new Set(warned)];
}

function warnOfGuessedPartitions({ operator, sources }: OperatorGraph): readonly string[] {
  const guessed = sources.filter(({ topic }) => topic.external && topic.partitions === undefined);
  return [...new Set(guessed.map(({ topic }) => topic.topicName))].map(
    (name) =>
      `${at(operator)} reads the external topic ${quote(name)}, whose declaration does not say how many partitions it has: 4 are assumed.`,
  );
}

function isName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_-]*$/.test(name) && !name.includes("--") && !name.endsWith("-");
}
