/** The plan of an application: which functions there are, what each reads, runs and writes. Made by the topology, read by everything that runs. */

import type { AnyTable, KeyAttribute } from "./dynamo-table.ts";
import type { KeyByNode, Node, SinkNode, SourceNode } from "./node.ts";
import type { OperatorDefinition } from "./operator-definition.ts";
import type { Secret, Setting } from "./settings.ts";
import type { OutsideSpec } from "./sink.ts";
import type { AnyTopic } from "./topic.ts";

/** An internal topic between a keyBy and what follows it. Carries bundles. */
export type ShufflePlan = {
  /** Also the name of the function that reads it: `count-words--by-key`. */
  readonly name: string;
  /** The name of its keyBys: part of the identity of the state behind it. */
  readonly keyByName: string;
  readonly partitions: number;
  readonly maxParallelism: number;
  /** The keyBys that feed it, several where steps with two inputs follow: a bundle's `side` is the index here. */
  readonly sides: readonly KeyByNode[];
  /** Where the elements of each side come from, in words that stay the same while the code around them changes. */
  readonly origins: readonly string[];
  /** The tasks that write it, on whichever side, as `function/topic-partition`: the inputs of its watermark. Complete from the start. */
  readonly upstream: readonly string[];
  /** Whether the watermark may follow the clock when every upstream task is idle, and at which distance. undefined: it waits. */
  readonly followClockBoundMs: number | undefined;
};

/** One Lambda function: one part of an operator, up to the next shuffles. */
export type FunctionPlan = {
  readonly name: string;
  readonly operator: OperatorDefinition;
  /** Topics it reads as sources (a task per partition of each), with the nodes that read them; empty where it reads a shuffle. */
  readonly sources: readonly {
    readonly topic: AnyTopic;
    readonly nodes: readonly SourceNode[];
    readonly partitions: number;
    /** Written by an operator of this application: its records carry identities. */
    readonly writtenByMillrace: boolean;
  }[];
  /** The shuffle it reads; undefined for a function that reads sources. */
  readonly shuffle: ShufflePlan | undefined;
  /** Nodes it runs, inputs before what reads them; sources and the keyBys of its own shuffle not included. */
  readonly nodes: readonly (Node | SinkNode)[];
  /** Shuffles it writes, with the keyBy nodes of this function that feed each. */
  readonly shuffleOutputs: readonly { readonly shuffle: ShufflePlan; readonly keyBys: readonly KeyByNode[] }[];
  /** Declared topics it writes (late outputs too), with their partition counts. */
  readonly topicOutputs: readonly { readonly topic: AnyTopic; readonly partitions: number }[];
  /** Tables it writes rows into. */
  readonly tableOutputs: readonly AnyTable[];
  /** Sinks beside topics and tables that it writes to. */
  readonly outsideOutputs: readonly OutsideSpec[];
  /** The topic for its dead letters. */
  readonly deadLetterTopic: string;
  /** Whether it needs a state log: it keeps state, gives authors' functions the clock, asks the outside, feeds a shuffle, reads a topic that Millrace writes, or writes an exactlyOnce topic or what is no topic. */
  readonly commits: boolean;
  /** The settings and secrets that its steps and sinks declare, each once: what a deployment sets and grants. */
  readonly uses: readonly (Setting | Secret)[];
};

/** A topic as the broker must have it. */
export type TopicPlan = {
  readonly name: string;
  readonly kind: "declared" | "shuffle" | "dead-letter";
  readonly partitions: number;
  readonly compacted: boolean;
  readonly external: boolean;
  readonly retentionMs: number | undefined;
  /** The declaration; undefined for shuffles and dead letters. */
  readonly declared: AnyTopic | undefined;
};

/** A table as DynamoDB must have it: its key, and `ttl` as the attribute of its time to live. */
export type TablePlan = {
  /** Without the prefix of the application (`nameOfTable`). */
  readonly name: string;
  readonly partitionKey: KeyAttribute;
  readonly sortKey: KeyAttribute | undefined;
  readonly ttlAttribute: string;
};

export type Topology = {
  readonly application: string;
  readonly operators: readonly OperatorDefinition[];
  readonly functions: readonly FunctionPlan[];
  readonly topics: readonly TopicPlan[];
  readonly tables: readonly TablePlan[];
  /** Sentences about what is allowed and probably not meant. */
  readonly warnings: readonly string[];
};
