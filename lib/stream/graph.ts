/** The graph of one operator, cut into functions: which nodes run where, and which keyBys need a shuffle between. */

import type { AnyTable } from "./dynamo-table.ts";
import {
  inputsOf,
  isStateful,
  isTwoInput,
  type KeyByNode,
  lateTopicsOf,
  type Node,
  type SinkNode,
  type SourceNode,
  type StatefulNode,
  topicsOf,
} from "./node.ts";
import type { OperatorDefinition } from "./operator-definition.ts";
import type { OutsideSpec } from "./sink.ts";
import type { AnyTopic } from "./topic.ts";

/**
 * The way from keyBys to the keyed state behind them: a topic, and the function that reads it. One keyBy, or all whose elements meet in steps with two
 * inputs: a task that read two topics would race with itself for its commits.
 */
export type Shuffle = {
  /** The name of its keyBys: part of the identity of the state behind it. Where several share it, those without a name have that of the others. */
  readonly keyByName: string;
  /** `operator--keyBy`, of the topic and of the function. */
  readonly name: string;
  /** In the order in which they were written, left inputs before right ones: the sides of its bundles. */
  readonly keyBys: readonly KeyByNode[];
};

export type OperatorGraph = {
  readonly operator: OperatorDefinition;
  /** All nodes, inputs before what reads them. */
  readonly nodes: readonly (Node | SinkNode)[];
  readonly sources: readonly SourceNode[];
  /** Of keyBys with keyed state before the next keyBy; each stands behind those that feed it, unless it feeds itself. */
  readonly shuffles: readonly Shuffle[];
  /** The names of the functions in which a node runs: several where it follows a union across a shuffle. */
  readonly runsIn: ReadonlyMap<Node | SinkNode, ReadonlySet<string>>;
};

/** The default name of a keyBy and of a keyedByTopicKey, whose state is in another function. */
const KEY_BY_NAME = "by-key";

/** The name that is part of the identity of the state behind a keyBy. */
export function keyByNameOf(node: KeyByNode): string {
  return node.name ?? KEY_BY_NAME;
}

/** The name of a stateful step, below operator and keyBy: the author's, or its kind. */
export function stepNameOf(node: StatefulNode): string {
  if (node.name !== undefined) return node.name;
  if (node.kind === "windowJoin") return node.mode === "pairs" ? "join" : "coGroup";
  return node.kind === "rolling" || node.kind === "process" ? node.method : node.kind;
}

/** The topics that an operator writes as an author sees it: its sinks' and those of late elements. */
export function topicsWrittenBy(nodes: readonly (Node | SinkNode)[]): readonly AnyTopic[] {
  return nodes.flatMap((node) =>
    node.kind === "sink" ? topicsOf(node.target) : lateTopicsOf(node).filter((topic) => topic !== undefined),
  );
}

/** The tables that nodes write, each as often as it is written. */
export function tablesWrittenBy(nodes: readonly (Node | SinkNode)[]): readonly AnyTable[] {
  return nodes.flatMap((node) => (node.kind === "sink" && node.target.kind === "table" ? [node.target.table] : []));
}

/** The sinks beside topics and tables that nodes write to, each as often as it is written. */
export function outsideSinksOf(nodes: readonly (Node | SinkNode)[]): readonly OutsideSpec[] {
  return nodes.flatMap((node) => (node.kind === "sink" && node.target.kind === "outside" ? [node.target.sink] : []));
}

/** Cuts an operator at its shuffles. */
export function graphOf(operator: OperatorDefinition): OperatorGraph {
  const nodes = inOrder(operator.sinks);
  const shuffles = shufflesOf(operator, nodes);
  const runsIn = new Map<Node | SinkNode, ReadonlySet<string>>();
  const names = new Map<Node, string>(shuffles.flatMap(({ name, keyBys }) => keyBys.map((keyBy) => [keyBy, name])));
  // What a node passes on appears where the node runs, but for a shuffle: there it appears in the function after it.
  const appearsIn = (node: Node): ReadonlySet<string> =>
    names.has(node) ? new Set([names.get(node)!]) : runsIn.get(node)!;
  for (const node of nodes)
    runsIn.set(
      node,
      node.kind === "source"
        ? new Set([operator.operatorName])
        : new Set(inputsOf(node).flatMap((input) => [...appearsIn(input)])),
    );
  return { operator, nodes, sources: nodes.filter((node) => node.kind === "source"), shuffles, runsIn };
}

/** All nodes above the sinks and the sinks, inputs before what reads them, otherwise in the order in which they were written. */
function inOrder(sinks: readonly SinkNode[]): readonly (Node | SinkNode)[] {
  const seen = new Set<Node | SinkNode>();
  // Without recursion: a generated stream may be longer than the stack is deep.
  const open: { node: Node | SinkNode; done: boolean }[] = sinks.map((node) => ({ node, done: false })).reverse();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.done) seen.add(next.node);
    else if (!seen.has(next.node)) {
      open.push({ node: next.node, done: true });
      for (const input of inputsOf(next.node).toReversed())
        if (!seen.has(input)) open.push({ node: input, done: false });
    }
  }
  return [...seen];
}

function needsShuffle(node: Node | SinkNode, nodes: readonly (Node | SinkNode)[]): node is KeyByNode {
  return node.kind === "keyBy" && node.fn !== undefined && behind(node, nodes).some(isStateful);
}

/** Puts the keyBys that need a shuffle together where a step with two inputs reads both, and those that feed others first. */
function shufflesOf(operator: OperatorDefinition, nodes: readonly (Node | SinkNode)[]): readonly Shuffle[] {
  const keyBys = nodes.filter((node) => needsShuffle(node, nodes));
  const groups = new Map(keyBys.map((keyBy) => [keyBy, new Set([keyBy])]));
  for (const node of nodes.filter(isTwoInput)) {
    const [first, ...others] = keyBysOf(node).flatMap((keyBy) => groups.get(keyBy) ?? []);
    for (const group of others)
      for (const keyBy of group) {
        first!.add(keyBy);
        groups.set(keyBy, first!);
      }
  }
  const shuffles = [...new Set(groups.values())].map((group): Shuffle => {
    const sides = keyBys.filter((keyBy) => group.has(keyBy));
    const keyByName = sides.find((keyBy) => keyBy.name !== undefined)?.name ?? KEY_BY_NAME;
    return { keyByName, name: `${operator.operatorName}--${keyByName}`, keyBys: sides };
  });
  const ordered = new Set<Shuffle>();
  const open = new Set<Shuffle>();
  const visit = (shuffle: Shuffle) => {
    if (open.has(shuffle)) return;
    open.add(shuffle);
    for (const before of feedersOf(shuffle, shuffles).shuffles) visit(before);
    ordered.add(shuffle);
  };
  for (const shuffle of shuffles) visit(shuffle);
  return [...ordered];
}

/** What feeds a shuffle directly: sources, and other shuffles. */
export function feedersOf(
  shuffle: Shuffle,
  shuffles: readonly Shuffle[],
): { readonly sources: readonly SourceNode[]; readonly shuffles: readonly Shuffle[] } {
  const shuffleOf = new Map<Node, Shuffle>(shuffles.flatMap((one) => one.keyBys.map((keyBy) => [keyBy, one])));
  const isFeeder = (node: Node): node is SourceNode | KeyByNode => node.kind === "source" || shuffleOf.has(node);
  const feeders = shuffle.keyBys.flatMap((keyBy) => above(keyBy, isFeeder));
  return {
    sources: [...new Set(feeders.filter((node) => node.kind === "source"))],
    shuffles: [...new Set(feeders.flatMap((node) => shuffleOf.get(node) ?? []))],
  };
}

/** Everything after a keyBy up to and including the next keyBys. */
export function behind(node: KeyByNode, nodes: readonly (Node | SinkNode)[]): readonly (Node | SinkNode)[] {
  const reached = new Set<Node | SinkNode>([node]);
  // Nodes are in order, so one pass reaches all.
  for (const next of nodes)
    if (inputsOf(next).some((input) => reached.has(input) && (input === node || input.kind !== "keyBy")))
      reached.add(next);
  reached.delete(node);
  return [...reached];
}

/** The nearest nodes above one for which `stop` holds, without looking behind them. */
function above<N extends Node>(node: Node | SinkNode, stop: (node: Node) => node is N): readonly N[] {
  const found = new Set<N>();
  const seen = new Set<Node>();
  const open = [...inputsOf(node)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (stop(next)) found.add(next);
    else open.push(...inputsOf(next));
  }
  return [...found].reverse();
}

/** The sources that a node's elements come from, through all shuffles. */
export function rootsOf(node: Node | SinkNode): readonly SourceNode[] {
  return above(node, (next): next is SourceNode => next.kind === "source");
}

/**
 * Where the elements of keyBys come from: their topics; where that is the same for several, also the step that reads them, and on which side. Other words: other
 * elements.
 */
export function originsOf(keyBys: readonly KeyByNode[], nodes: readonly (Node | SinkNode)[]): readonly string[] {
  const topics = keyBys.map((keyBy) =>
    [...new Set(rootsOf(keyBy).map(({ topic }) => topic.topicName))].sort().join(" + "),
  );
  return topics.map((name, i) => {
    if (topics.indexOf(name) === topics.lastIndexOf(name)) return name;
    const keyBy = keyBys[i] as KeyByNode;
    const readers = behind(keyBy, nodes).filter(isStateful);
    const read = readers.map((node) => {
      const side = inputsOf(node).findIndex((input) => input === keyBy || keyBysOf(input).includes(keyBy));
      return `${stepNameOf(node)}/${side}`;
    });
    return `${name} for ${read.join(", ")}`;
  });
}

/** The keyBys whose key a node's elements have. */
export function keyBysOf(node: Node | SinkNode): readonly KeyByNode[] {
  return above(node, (next): next is KeyByNode => next.kind === "keyBy");
}
