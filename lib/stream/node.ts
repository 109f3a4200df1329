/**
 * The dataflow graph behind the fluent builder: immutable nodes on `kind`, linked from a sink back to its sources.
 * Two sinks that share a stream share its nodes by reference, so that everything is computed once.
 */

import type { AggregatorSpec } from "./aggregate.ts";
import type { AsyncSpec } from "./async-function.ts";
import type { Duration } from "./duration.ts";
import type { AnyTable } from "./dynamo-table.ts";
import type { EvictorSpec } from "./evictor.ts";
import type { FunctionOptions } from "./operator-definition.ts";
import type { PatternSpec } from "./pattern-spec.ts";
import type { StateSpec } from "./process-state.ts";
import type { ClientSpec } from "./settings.ts";
import type { OutsideSpec } from "./sink.ts";
import type { AnyTopic, TopicRecord } from "./topic.ts";
import type { TriggerSpec } from "./trigger.ts";
import type { WatermarkStrategy } from "./watermark-strategy.ts";
import type { WindowAssignerSpec } from "./window-spec.ts";

/** An author's function as the engine calls it: `(value, ctx)`; `ctx` is only passed where `fn.length >= 2`. */
// biome-ignore lint/suspicious/noExplicitAny: the types of authors' functions are checked at the builder.
export type AuthorFunction = (...args: any[]) => any;

/** Reads a topic: one element per Kafka record. */
export type SourceNode = {
  readonly kind: "source";
  readonly topic: AnyTopic;
  /** "values": the decoded value; "records": value, key, headers, position. */
  readonly reads: "values" | "records";
  readonly timestampOf: AuthorFunction | undefined;
  readonly watermark: WatermarkStrategy<never> | undefined;
  readonly startAt: "earliest" | "latest";
  readonly name: string | undefined;
};

export type MapNode = Step<"map"> & { readonly fn: AuthorFunction };
export type FilterNode = Step<"filter"> & { readonly fn: AuthorFunction };
export type FlatMapNode = Step<"flatMap"> & {
  readonly fn: AuthorFunction;
  /** The method it came from, where that is another. */
  readonly method?: "aggregateAndProcess";
};
export type PeekNode = Step<"peek"> & { readonly fn: AuthorFunction };

/** Asks the outside for each element. `client` is that of `spec`; `combine` makes one of (element, answer, ctx), and without it the answer is what goes on. */
export type MapAsyncNode = Step<"mapAsync"> & {
  readonly spec: AsyncSpec;
  readonly client: ClientSpec;
  readonly combine: AuthorFunction | undefined;
};

/** First match wins over `predicates`, in their order; branches refer to it by index, `rest` by −1. */
export type SplitNode = Step<"split"> & { readonly predicates: readonly { name: string; fn: AuthorFunction }[] };
export type BranchNode = { readonly kind: "branch"; readonly input: SplitNode; readonly index: number };

export type UnionNode = { readonly kind: "union"; readonly inputs: readonly Node[] };

/** Sets the current key. Needs a shuffle where keyed state follows before the next keyBy. */
export type KeyByNode = Step<"keyBy"> & {
  /** undefined: `keyedByTopicKey` (trusts the producer's partitioner, never shuffles). */
  readonly fn: AuthorFunction | undefined;
  /** Where its shuffle takes an element: to the partition of its key, to all, or to one for all that a task sends. */
  readonly sends: "by-key" | "to-all" | "by-task";
  readonly parallelism: number | undefined;
  readonly maxParallelism: number;
  readonly function: FunctionOptions | undefined;
};

/** States that an author's function declares, in the order of their declaration. */
export type NamedStates = readonly { readonly name: string; readonly spec: StateSpec }[];

/** An author's function of windows. */
export type WindowFunctionSpec = {
  readonly fn: AuthorFunction;
  readonly order: "arrival" | "event-time";
  /** Per key and window; dropped with the window. */
  readonly windowStates: NamedStates;
  /** Per key. */
  readonly globalStates: NamedStates;
  /** Called when a window is forgotten: `(context)`. */
  readonly clear: AuthorFunction | undefined;
};

/** Keyed windows: `.window(…).count()` and its like. */
export type WindowNode = Step<"window"> & {
  readonly assigner: WindowAssignerSpec;
  /** undefined: `process` makes the results. */
  readonly aggregator: AggregatorSpec | undefined;
  /** Makes results of all elements of a window, or of its aggregate's result: `(held, context)`. */
  readonly process: WindowFunctionSpec | undefined;
  /** undefined: that of the assigner. */
  readonly trigger: TriggerSpec | undefined;
  readonly evictor: EvictorSpec | undefined;
  readonly allowedLateness: Duration;
  /** Where late elements go; undefined: counted and dropped. */
  readonly lateTo: AnyTopic | undefined;
  /** Windows over all keys: theirs is none. */
  readonly all: boolean;
};

/** Windows with an aggregate. */
export type WindowAggregateNode = WindowNode & { readonly aggregator: AggregatorSpec };

/** A rolling aggregate on a keyed stream: one result per element. */
export type RollingAggregateNode = Step<"rolling"> & {
  readonly aggregator: AggregatorSpec;
  /** The method it came from (count, sum, reduce, aggregate): the default name of its state. */
  readonly method: string;
};

/**
 * An interval join: pairs of elements of one key with `right.ts − left.ts` from `lowerMs` to `upperMs`, both inclusive. Made one by `fn` of
 * (left, right, ctx).
 */
export type IntervalJoinNode = TwoInputs<"intervalJoin"> & {
  readonly lowerMs: number;
  readonly upperMs: number;
  readonly fn: AuthorFunction;
  /** Where late elements of each side go; undefined: counted and dropped. */
  readonly lateTo: readonly [AnyTopic | undefined, AnyTopic | undefined];
};

/** Elements of two streams in one window: every pair, or all of both at once (coGroup). `fn` takes (left, right, ctx), or (lefts, rights, ctx) and gives several. */
export type WindowJoinNode = TwoInputs<"windowJoin"> & {
  readonly mode: "pairs" | "groups";
  readonly assigner: WindowAssignerSpec;
  readonly allowedLateness: Duration;
  readonly fn: AuthorFunction;
  /** Where late elements of each side go; undefined: counted and dropped. */
  readonly lateTo: readonly [AnyTopic | undefined, AnyTopic | undefined];
};

/** A left stream meets the versions of a table, whose elements are `[key, value]`, a null value a tombstone. Made one by `fn` of (left, value, ctx). */
export type TableJoinNode = TwoInputs<"tableJoin"> & {
  /** "left": an element without a version meets undefined. */
  readonly mode: "inner" | "left";
  readonly fn: AuthorFunction;
};

/** A process function on a keyed stream: author's code with state and timers per key. */
export type ProcessNode = Step<"process"> & {
  /** The method it came from: the default name of its state. */
  readonly method: "process" | "deduplicate";
  readonly states: NamedStates;
  readonly onElement: AuthorFunction;
  readonly onTimer: AuthorFunction | undefined;
};

/** The matches of a pattern on a keyed stream, made elements by `select` of (match, ctx); what timed out by `timedOut` of (partial match, ctx). */
export type PatternNode = Step<"pattern"> & {
  readonly pattern: PatternSpec;
  readonly time: "event" | "processing";
  readonly partialMatchesMax: number;
  readonly select: AuthorFunction;
  /** undefined: what timed out is dropped. */
  readonly timedOut: AuthorFunction | undefined;
  /** Where late elements go; undefined: counted and dropped. */
  readonly lateTo: AnyTopic | undefined;
};

/** A process function on two keyed streams of the same key, with state and timers that both share. */
export type ConnectNode = TwoInputs<"connect"> &
  Pick<ProcessNode, "states" | "onTimer"> & { readonly onLeft: AuthorFunction; readonly onRight: AuthorFunction };

/** A process function on a stream, keyed or not, that meets a broadcast one: every task has all elements of that, and keeps the same of them. */
export type BroadcastNode = TwoInputs<"broadcast"> &
  Pick<ProcessNode, "states" | "onElement" | "onTimer"> & {
    /** What is kept of the broadcast side: the newest value of each key, or declared states. */
    readonly keeps: "table" | ProcessNode["states"];
    /** undefined: a table is kept, and nobody is told of its changes. */
    readonly onBroadcast: AuthorFunction | undefined;
    /** False: elements have no key, so that there are no states and timers but those of the broadcast side. */
    readonly isKeyed: boolean;
  };

/** A topic. `toRecord` turns (element, key, timestampMs) into what is written. */
export type TopicTarget = {
  readonly kind: "topic";
  readonly topic: AnyTopic;
  readonly toRecord: (element: unknown, key: unknown, timestampMs: number) => TopicRecord;
};

/** One of several topics: `select` names it, element by element. */
export type RouteTarget = {
  readonly kind: "route";
  readonly routes: ReadonlyMap<string, TopicTarget>;
  readonly select: AuthorFunction;
};

/** Rows of a table. */
export type TableTarget = { readonly kind: "table"; readonly table: AnyTable };

/** Something else, outside. `client` is that of `sink`. */
export type OutsideTarget = { readonly kind: "outside"; readonly sink: OutsideSpec; readonly client: ClientSpec };

/** Where the elements of a sink go. */
export type SinkTarget = TopicTarget | RouteTarget | TableTarget | OutsideTarget;

/** The end of a stream. */
export type SinkNode = {
  readonly kind: "sink";
  readonly input: Node;
  readonly target: SinkTarget;
  readonly name: string | undefined;
};

type Step<Kind extends string> = { readonly kind: Kind; readonly input: Node; readonly name: string | undefined };

/** A step with a left and a right input of the same key. What feeds them goes through one shuffle, so that a task has one source of events. */
type TwoInputs<Kind extends string> = {
  readonly kind: Kind;
  readonly inputs: readonly [left: Node, right: Node];
  readonly name: string | undefined;
};

/** Nodes that a stream may stand on. */
export type Node =
  | SourceNode
  | MapNode
  | FilterNode
  | FlatMapNode
  | PeekNode
  | MapAsyncNode
  | SplitNode
  | BranchNode
  | UnionNode
  | KeyByNode
  | WindowNode
  | RollingAggregateNode
  | ProcessNode
  | PatternNode
  | TwoInputNode;

/** Nodes that read two streams. */
export type TwoInputNode = IntervalJoinNode | WindowJoinNode | TableJoinNode | ConnectNode | BroadcastNode;

/** Nodes that keep state per key, and so want their input partitioned by key. */
export type StatefulNode = WindowNode | RollingAggregateNode | ProcessNode | PatternNode | TwoInputNode;

/** Whether a node keeps state per key. */
export function isStateful(node: Node | SinkNode): node is StatefulNode {
  switch (node.kind) {
    case "window":
    case "rolling":
    case "process":
    case "pattern":
      return true;
    default:
      return isTwoInput(node);
  }
}

/** Whether a node reads two streams. */
export function isTwoInput(node: Node | SinkNode): node is TwoInputNode {
  switch (node.kind) {
    case "intervalJoin":
    case "windowJoin":
    case "tableJoin":
    case "connect":
    case "broadcast":
      return true;
    default:
      return false;
  }
}

/** Where a node's late elements go, by input: topics, or undefined where they are counted and dropped. */
export function lateTopicsOf(node: Node | SinkNode): readonly (AnyTopic | undefined)[] {
  if (node.kind === "window" || node.kind === "pattern") return [node.lateTo];
  return node.kind === "intervalJoin" || node.kind === "windowJoin" ? node.lateTo : [];
}

/** The topics that a target writes. */
export function topicsOf(target: SinkTarget): readonly AnyTopic[] {
  switch (target.kind) {
    case "topic":
      return [target.topic];
    case "route":
      return [...target.routes.values()].map(({ topic }) => topic);
    case "table":
    case "outside":
      return [];
    default:
      return target satisfies never;
  }
}

/** What a node that calls the outside opens for it; undefined for the others. */
export function clientOf(node: Node | SinkNode): ClientSpec | undefined {
  const calling: object = node.kind === "sink" ? node.target : node;
  return "client" in calling ? (calling.client as ClientSpec) : undefined;
}

/** The nodes that a node reads from, in order. */
export function inputsOf(node: Node | SinkNode): readonly Node[] {
  switch (node.kind) {
    case "source":
      return [];
    case "union":
    case "intervalJoin":
    case "windowJoin":
    case "tableJoin":
    case "connect":
    case "broadcast":
      return node.inputs;
    default:
      return [node.input];
  }
}
