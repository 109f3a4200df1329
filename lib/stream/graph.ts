/** The graph of one operator, cut into functions: which nodes run where, and which keyBys need a shuffle between. */

import {
  inputsOf,
  isStateful,
  type KeyByNode,
  type Node,
  type SinkNode,
  type SourceNode,
  type StatefulNode,
} from "./node.ts";
import type { OperatorDefinition } from "./operator-definition.ts";
import type { AnyTopic } from "./topic.ts";

export type OperatorGraph = {
  readonly operator: OperatorDefinition;
  /** All nodes, inputs before what reads them. */
  readonly nodes: readonly (Node | SinkNode)[];
  readonly sources: readonly SourceNode[];
  /** keyBys with keyed state before the next keyBy: each is a shuffle, and a function after it. */
  readonly shuffles: readonly KeyByNode[];
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
  return node.name ?? (node.kind === "rolling" ? node.method : node.kind);
}

/** The name of a shuffle and of the function that reads it. */
export function shuffleNameOf(operator: OperatorDefinition, node: KeyByNode): string {
  return `${operator.operatorName}--${keyByNameOf(node)}`;
}

/** The topics that an operator writes as an author sees it: its sinks' and those of late elements. */
export function topicsWrittenBy(nodes: readonly (Node | SinkNode)[]): readonly AnyTopic[] {
  return nodes.flatMap((node) =>
    node.kind === "sink" ? [node.topic] : node.kind === "window" && node.lateTo !== undefined ? [node.lateTo] : [],
  );
}

/** Cuts an operator at its shuffles. */
export function graphOf(operator: OperatorDefinition): OperatorGraph {
  const nodes = inOrder(operator.sinks);
  const shuffles = nodes.filter((node): node is KeyByNode => needsShuffle(node, nodes));
  const runsIn = new Map<Node | SinkNode, ReadonlySet<string>>();
  const shuffled = new Set<Node | SinkNode>(shuffles);
  // What a node passes on appears where the node runs, but for a shuffle: there it appears in the function after it.
  const appearsIn = (node: Node): ReadonlySet<string> =>
    shuffled.has(node) ? new Set([shuffleNameOf(operator, node as KeyByNode)]) : runsIn.get(node)!;
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

function needsShuffle(node: Node | SinkNode, nodes: readonly (Node | SinkNode)[]): boolean {
  return node.kind === "keyBy" && node.fn !== undefined && behind(node, nodes).some(isStateful);
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
export function above<N extends Node>(node: Node | SinkNode, stop: (node: Node) => node is N): readonly N[] {
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

/** The keyBys whose key a node's elements have. */
export function keyBysOf(node: Node | SinkNode): readonly KeyByNode[] {
  return above(node, (next): next is KeyByNode => next.kind === "keyBy");
}
