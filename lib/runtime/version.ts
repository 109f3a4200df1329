/**
 * What of an application's code its state, its topics and its identities depend on, as values that JSON can hold: two versions that agree in it can take
 * each other's place. Files, lines, author's functions and settings are not in it, but for the functions that give keys.
 */

import { tableName } from "../operators/chain.ts";
import { hashText } from "../stream/hash-text.ts";
import { isStateful, type KeyByNode, type NamedStates, type StatefulNode } from "../stream/node.ts";
import type { FunctionPlan, TablePlan, Topology } from "../stream/plan.ts";
import { freshTask } from "./open-task.ts";
import { toTaskName } from "./task-name.ts";

/** A version of an application's code. */
export type CodeVersion = {
  readonly application: string;
  readonly functions: Readonly<Record<string, FunctionVersion>>;
  /** Its own and others'. */
  readonly topics: Readonly<Record<string, TopicVersion>>;
  /** The keys of the tables that it writes, in words. */
  readonly tables: Readonly<Record<string, string>>;
};

export type FunctionVersion = {
  readonly operator: string;
  /** Whether it keeps a state log; what it writes is identified by the log's numbers then, else by the input's offsets. */
  readonly commits: boolean;
  /** How many partitions it reads, by topic; its shuffle's are one of these. */
  readonly reads: Readonly<Record<string, number>>;
  /** Of its shuffle: over how many groups keys are spread, and what gives keys, by where elements come from. */
  readonly maxParallelism?: number;
  readonly keys?: Readonly<Record<string, string>>;
  /** What its steps keep, by their table. */
  readonly state: Readonly<Record<string, StateVersion>>;
};

export type StateVersion = {
  /** What it looks like, in words: other words would misread it. */
  readonly shape: string;
  /** The topics of the left and the right input of a step that has two. */
  readonly inputs?: readonly string[];
  /** The kinds of states that an author's function declares, by name. */
  readonly states?: Readonly<Record<string, string>>;
};

export type TopicVersion = { readonly partitions: number; readonly kind: string; readonly external: boolean };

/** The version of a topology's code. Throws what its steps throw where they cannot be made. */
export function codeVersionOf({ application, functions, topics, tables }: Topology): CodeVersion {
  return {
    application,
    functions: Object.fromEntries(functions.map((plan) => [plan.name, functionVersionOf(application, plan)])),
    topics: Object.fromEntries(
      topics.map(({ name, partitions, kind, external }) => [name, { partitions, kind, external }]),
    ),
    tables: Object.fromEntries(tables.map((table) => [table.name, keyOf(table)])),
  };
}

function functionVersionOf(application: string, plan: FunctionPlan): FunctionVersion {
  const { shuffle, sources } = plan;
  return {
    operator: plan.operator.operatorName,
    commits: plan.commits,
    reads:
      shuffle === undefined
        ? Object.fromEntries(sources.map(({ topic, partitions }) => [topic.topicName, partitions]))
        : { [shuffle.name]: shuffle.partitions },
    ...(shuffle !== undefined && { maxParallelism: shuffle.maxParallelism, keys: keysOf(shuffle) }),
    state: stateOf(application, plan),
  };
}

/** As its steps say when they are made for a task: a task's log notes the same. */
function stateOf(application: string, plan: FunctionPlan): Readonly<Record<string, StateVersion>> {
  const { meta } = freshTask(plan, toTaskName(application, plan.name, "", 0, 0), RECORD_BYTES_MAX);
  const nodes = plan.nodes.filter((node): node is StatefulNode => isStateful(node));
  return Object.fromEntries(
    nodes.map((node) => {
      const table = tableName(plan, node);
      const inputs = meta.inputs?.[table];
      const states = Object.fromEntries(declaredIn(node));
      return [
        table,
        {
          shape: meta.shapes?.[table] ?? node.kind,
          ...(inputs !== undefined && { inputs }),
          ...(Object.keys(states).length > 0 && { states }),
        },
      ];
    }),
  );
}

/** Nothing is sent. */
const RECORD_BYTES_MAX = 1024 * 1024;

/** The states that the author's functions of a step declare, with their kinds. */
function declaredIn(node: StatefulNode): readonly (readonly [name: string, kind: string])[] {
  const of = (states: NamedStates, prefix = "") => states.map(({ name, spec }) => [prefix + name, spec.state] as const);
  switch (node.kind) {
    case "process":
    case "connect":
      return of(node.states);
    case "broadcast":
      return [...of(node.states), ...(node.keeps === "table" ? [] : of(node.keeps, "broadcast "))];
    case "window":
      return node.process === undefined
        ? []
        : [...of(node.process.windowStates, "window "), ...of(node.process.globalStates)];
    default:
      return [];
  }
}

function keysOf({ sides, origins }: NonNullable<FunctionPlan["shuffle"]>): Readonly<Record<string, string>> {
  const keyed = sides.map((side, i) => [origins[i] as string, side] as const);
  return Object.fromEntries(
    keyed.filter(([, { sends }]) => sends === "by-key").map(([origin, side]) => [origin, keyTextOf(side)]),
  );
}

/** The function that gives a key, as its author wrote it but for white space: whether others give the same keys nobody can say. */
function keyTextOf({ fn }: KeyByNode): string {
  const text = String(fn).replaceAll(/\s+|;(?=\s*\})|,(?=\s*[)\]}])/g, "");
  return text.length <= KEY_CHARACTERS_MAX ? text : `${text.slice(0, KEY_CHARACTERS_MAX)}… ${digestOf(text)}`;
}

/** Those that are longer say how they begin. */
const KEY_CHARACTERS_MAX = 80;

function keyOf({ partitionKey, sortKey }: TablePlan): string {
  return [partitionKey, ...(sortKey === undefined ? [] : [sortKey])]
    .map(({ name, type }) => `${name} (${type})`)
    .join(", ");
}

/** Eight digits that differ where texts do. */
export function digestOf(text: string): string {
  return hashText(text).high.toString(16).padStart(8, "0");
}
