/**
 * The transformations of one function put together: every node becomes a step that pushes into the steps behind it. Made once per
 * task; what leaves the function goes to the outlets that the runtime gives.
 */

import type { KeyedState } from "../state/keyed-state.ts";
import { keyByNameOf, keyBysOf, stepNameOf } from "../stream/graph.ts";
import {
  type BranchNode,
  inputsOf,
  isStateful,
  type KeyByNode,
  lateTopicsOf,
  type Node,
  type SinkNode,
  type SourceNode,
  type SplitNode,
  type StatefulNode,
} from "../stream/node.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import type { AnyTopic } from "../stream/topic.ts";
import { broadcastStep } from "./broadcast.ts";
import { filterStep } from "./filter.ts";
import { flatMapStep } from "./flat-map.ts";
import { intervalJoinStep } from "./interval-join.ts";
import { keyByStep } from "./key-by.ts";
import { mapStep } from "./map.ts";
import { mapAsyncStep } from "./map-async.ts";
import { patternStep } from "./pattern.ts";
import { peekStep } from "./peek.ts";
import { processStep } from "./process.ts";
import { rollingAggregateStep } from "./rolling-aggregate.ts";
import { splitStep } from "./split.ts";
import type { AskScope, Caller, Counts, FiredResult, Push, StatelessSetup, Step, StepSetup, TaskTime } from "./step.ts";
import { tableJoinStep } from "./table-join.ts";
import { windowStep } from "./window.ts";
import { windowJoinStep } from "./window-join.ts";

/** A result that a timer fires, with the table of the step that fires it. */
export type TaskResult = FiredResult & { readonly table: string };

/** A guard of all steps: units and results say which step they belong to. */
export type TaskGuard = (unit: () => string, run: () => void, result: () => TaskResult) => void;

/** What a chain finds around it. */
export type ChainSetup = {
  readonly state: KeyedState;
  readonly time: TaskTime;
  readonly counts: Counts;
  readonly guard: TaskGuard;
  readonly isFull: () => boolean;
  /** The watermark that the step with this table was last told. */
  readonly toldMs: (table: string) => number;
  readonly call: Caller;
  /** The unit that is being processed, for what is asked on its behalf. */
  readonly scope: () => AskScope;
  /** Takes what a sink writes. */
  readonly sink: (node: SinkNode) => Push;
  /** Takes what a keyBy sends through its shuffle. */
  readonly shuffle: (node: KeyByNode) => Push;
  /** Takes late elements for a topic. */
  readonly late: (topic: AnyTopic) => Push;
};

export type Chain = {
  /** Where elements of a source enter. */
  readonly sources: ReadonlyMap<SourceNode, Push>;
  /** The sources whose record's key is used: by a sink, or by a step that takes it as the key, before any keyBy sets another. */
  readonly keyed: ReadonlySet<SourceNode>;
  /** Where elements of the function's own shuffle enter, by side. */
  readonly sides: readonly Push[];
  /** The one step that reads a side, where it takes partial results, and of what. */
  readonly partials: readonly (
    | { readonly take: NonNullable<Step["partials"]>; readonly shape: string | undefined }
    | undefined
  )[];
  /** What fires results again, by the table of its step. */
  readonly results: ReadonlyMap<string, NonNullable<Step["fireAgain"]>>;
  /** What the state of steps looks like, by their table. */
  readonly shapes: ReadonlyMap<string, string>;
  /** The steps that keep something or wait for something, inputs before what reads them. */
  readonly stateful: readonly Step[];
  /** The tables of those that are told of time. */
  readonly tables: ReadonlyMap<Step, string>;
};

/** The nodes of an operator that read each node. */
export function consumersOf(sinks: readonly SinkNode[]): ReadonlyMap<Node, readonly (Node | SinkNode)[]> {
  const consumers = new Map<Node, (Node | SinkNode)[]>();
  const seen = new Set<Node | SinkNode>();
  const visit = (node: Node | SinkNode) => {
    if (seen.has(node)) return;
    seen.add(node);
    // A union may have an input twice; it reads it once then, at two of its places.
    for (const input of new Set(inputsOf(node))) {
      const readers = consumers.get(input) ?? [];
      readers.push(node);
      consumers.set(input, readers);
      visit(input);
    }
  };
  for (const sink of sinks) visit(sink);
  return consumers;
}

/** Builds the chain of a function. */
export function buildChain(plan: FunctionPlan, setup: ChainSetup): Chain {
  const consumers = consumersOf(plan.operator.sinks);
  const own = new Set<Node | SinkNode>(plan.nodes);
  const shuffled = new Set<Node | SinkNode>(plan.shuffleOutputs.flatMap((output) => output.keyBys));
  const steps = new Map<Node | SinkNode, Step>();
  const stateful: Step[] = [];
  const results = new Map<string, NonNullable<Step["fireAgain"]>>();
  const shapes = new Map<string, string>();
  const tables = new Map<Step, string>();

  /** What a node pushes into: all steps of this function that read it. */
  const outOf = (node: Node): Push => {
    const readers = (consumers.get(node) ?? []).filter((reader) => own.has(reader) && reader.kind !== "branch");
    return fanOut(
      readers.flatMap((reader) =>
        inputsOf(reader).flatMap((input, i) => (input === node ? [steps.get(reader)?.inputs[i] as Push] : [])),
      ),
    );
  };

  /** Nodes with a step with state somewhere behind them in this function. Filled from the sinks on, as steps are made. */
  const beforeState = new Set<Node | SinkNode>();
  const leadsToState = (node: Node | SinkNode): boolean =>
    node.kind !== "sink" &&
    !shuffled.has(node) &&
    (consumers.get(node) ?? []).some((reader) => own.has(reader) && (isStateful(reader) || beforeState.has(reader)));

  const makeStep = (node: Node | SinkNode): Step => {
    if (node.kind === "sink") return { inputs: [setup.sink(node)] };
    const { state, time, counts, guard, isFull, call } = setup;
    const out = node.kind === "keyBy" && shuffled.has(node) ? setup.shuffle(node) : outOf(node);
    const stateless: StatelessSetup = { time, counts, call, out };
    const withTable = (node: StatefulNode): StepSetup => {
      const table = tableName(plan, node);
      const named = (result: FiredResult): TaskResult => ({ ...result, table });
      return {
        ...stateless,
        guard: (unit, run, result) =>
          guard(
            () => `${table} ${unit()}`,
            run,
            () => named(result()),
          ),
        isFull,
        toldMs: setup.toldMs(table),
        table: state.table(table),
        tables: (suffix) => state.table(`${table}/${suffix}`),
        late: lateTopicsOf(node).map((topic) => (topic === undefined ? undefined : setup.late(topic))),
      };
    };
    switch (node.kind) {
      case "map":
        return mapStep(node, stateless);
      case "filter":
        return filterStep(node, stateless);
      case "flatMap":
        return flatMapStep(node, stateless);
      case "peek":
        return peekStep(node, stateless);
      case "mapAsync":
        return mapAsyncStep(node, {
          ...stateless,
          scope: setup.scope,
          index: plan.nodes.indexOf(node),
          isBeforeState: beforeState.has(node),
        });
      case "keyBy":
        return keyByStep(node, stateless);
      case "split":
        return splitStep(node, stateless, ...branchesOf(node));
      case "union":
        return { inputs: node.inputs.map(() => out) };
      case "window":
        return windowStep(node, withTable(node));
      case "rolling":
        return rollingAggregateStep(node, withTable(node));
      case "intervalJoin":
        return intervalJoinStep(node, withTable(node));
      case "windowJoin":
        return windowJoinStep(node, withTable(node));
      case "tableJoin":
        return tableJoinStep(node, withTable(node));
      case "broadcast":
        return broadcastStep(node, withTable(node));
      case "pattern":
        return patternStep(node, withTable(node));
      case "process":
      case "connect":
        return processStep(node, withTable(node));
      case "branch":
      case "source":
        return { inputs: [out] };
      default:
        return node satisfies never;
    }
  };

  const branchesOf = (split: SplitNode): [(Push | undefined)[], Push | undefined] => {
    const branches: (Push | undefined)[] = split.predicates.map(() => undefined);
    let rest: Push | undefined;
    for (const reader of (consumers.get(split) ?? []) as BranchNode[]) {
      if (!own.has(reader)) continue;
      if (reader.index < 0) rest = steps.get(reader)?.inputs[0];
      else branches[reader.index] = steps.get(reader)?.inputs[0];
    }
    return [branches, rest];
  };

  for (const node of [...plan.nodes].reverse()) {
    if (leadsToState(node)) beforeState.add(node);
    const step = makeStep(node);
    steps.set(node, step);
    if (step.advance !== undefined || step.flush !== undefined || step.asks !== undefined) stateful.unshift(step);
    if (!isStateful(node)) continue;
    const table = tableName(plan, node);
    if (step.advance !== undefined) tables.set(step, table);
    if (step.shape !== undefined) shapes.set(table, step.shape);
    if (step.fireAgain !== undefined) results.set(table, step.fireAgain);
  }

  const sideNodes = plan.shuffle?.sides ?? [];
  return {
    sources: new Map(plan.sources.flatMap(({ nodes }) => nodes.map((node) => [node, outOf(node)] as const))),
    keyed: new Set(plan.sources.flatMap(({ nodes }) => nodes.filter((node) => usesKey(node, consumers)))),
    sides: sideNodes.map(outOf),
    partials: sideNodes.map((side) => {
      const readers = (consumers.get(side) ?? []).filter((reader) => own.has(reader));
      const step = readers.length === 1 ? steps.get(readers[0] as Node) : undefined;
      return step?.partials === undefined ? undefined : { take: step.partials, shape: step.partialShape };
    }),
    results,
    shapes,
    stateful,
    tables,
  };
}

function usesKey(node: Node, consumers: ReturnType<typeof consumersOf>): boolean {
  return (consumers.get(node) ?? []).some(
    (reader) =>
      reader.kind === "sink" || (reader.kind === "keyBy" ? reader.fn === undefined : usesKey(reader, consumers)),
  );
}

/** The name of a step's cells in the state: keyBy and step, so that inserting a stateless step moves nothing. */
export function tableName({ shuffle }: FunctionPlan, node: StatefulNode): string {
  const keyByName = shuffle?.keyByName ?? keyBysOf(node).map(keyByNameOf)[0];
  return `${keyByName ?? "source"}/${stepNameOf(node)}`;
}

function fanOut(pushes: readonly Push[]): Push {
  const [first, second] = pushes;
  if (first === undefined) return () => {};
  if (second === undefined) return first;
  if (pushes.length === 2)
    return (value, key, timestampMs) => {
      first(value, key, timestampMs);
      second(value, key, timestampMs);
    };
  return (value, key, timestampMs) => {
    for (const push of pushes) push(value, key, timestampMs);
  };
}
