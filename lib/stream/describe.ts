/** A topology to look at: as text, as JSON, and as a Mermaid flowchart. */

import { toDurationText } from "./duration-text.ts";
import type { KeyAttribute } from "./dynamo-table.ts";
import { stepNameOf } from "./graph.ts";
import type { Node, SinkNode } from "./node.ts";
import { toPatternText } from "./pattern-spec.ts";
import type { FunctionPlan, Topology } from "./plan.ts";
import type { TriggerSpec } from "./trigger.ts";
import type { WindowAssignerSpec } from "./window-spec.ts";

/** A topology as values that JSON can hold: names and numbers, no functions. */
export type TopologyDescription = {
  readonly application: string;
  readonly operators: readonly {
    readonly name: string;
    readonly file: string;
    readonly line: number;
    readonly onError: "dead-letter" | "fail";
    readonly functions: readonly FunctionDescription[];
  }[];
  readonly topics: readonly {
    readonly name: string;
    readonly kind: "declared" | "shuffle" | "dead-letter";
    readonly partitions: number;
    readonly compacted: boolean;
    readonly external: boolean;
    readonly retentionMs: number | null;
  }[];
  readonly tables: readonly {
    readonly name: string;
    readonly partitionKey: KeyAttribute;
    readonly sortKey: KeyAttribute | null;
  }[];
  readonly warnings: readonly string[];
};

type Connection = { readonly topic: string; readonly partitions: number };

export type FunctionDescription = {
  readonly name: string;
  /** Source topics, or its shuffle. */
  readonly reads: readonly Connection[];
  readonly steps: readonly string[];
  /** Shuffles and declared topics; late elements too. */
  readonly writes: readonly Connection[];
  /** Tables. */
  readonly puts: readonly string[];
  /** Sinks beside topics and tables. */
  readonly gives: readonly string[];
  readonly deadLetterTopic: string;
  readonly commits: boolean;
  /** Names of what its calls to the outside need. */
  readonly settings: readonly string[];
  readonly secrets: readonly string[];
};

/** The topology as JSON-able values. */
export function toDescription(topology: Topology): TopologyDescription {
  return {
    application: topology.application,
    operators: topology.operators.map((operator) => ({
      name: operator.operatorName,
      file: operator.file,
      line: operator.line,
      onError: operator.onError,
      functions: topology.functions.filter((plan) => plan.operator === operator).map(toFunctionDescription),
    })),
    topics: topology.topics.map(({ name, kind, partitions, compacted, external, retentionMs }) => ({
      name,
      kind,
      partitions,
      compacted,
      external,
      retentionMs: retentionMs ?? null,
    })),
    tables: topology.tables.map(({ name, partitionKey, sortKey }) => ({
      name,
      partitionKey,
      sortKey: sortKey ?? null,
    })),
    warnings: topology.warnings,
  };
}

function toFunctionDescription(plan: FunctionPlan): FunctionDescription {
  return {
    name: plan.name,
    reads:
      plan.shuffle === undefined
        ? plan.sources.map(({ topic, partitions }) => ({ topic: topic.topicName, partitions }))
        : [{ topic: plan.shuffle.name, partitions: plan.shuffle.partitions }],
    steps: plan.nodes.filter(({ kind }) => kind !== "sink" && kind !== "branch").map(toStep),
    writes: [
      ...plan.shuffleOutputs.map(({ shuffle }) => ({ topic: shuffle.name, partitions: shuffle.partitions })),
      ...plan.topicOutputs.map(({ topic, partitions }) => ({ topic: topic.topicName, partitions })),
    ],
    puts: [...new Set(plan.tableOutputs.map(({ tableName }) => tableName))],
    gives: plan.outsideOutputs.map(({ sinkName }) => sinkName),
    deadLetterTopic: plan.deadLetterTopic,
    commits: plan.commits,
    settings: plan.uses.flatMap(({ kind, name }) => (kind === "setting" ? [name] : [])),
    secrets: plan.uses.flatMap(({ kind, name }) => (kind === "secret" ? [name] : [])),
  };
}

/** A step in an author's words: `window (5 s tumbling, count)`. */
function toStep(node: Node | SinkNode): string {
  const name = "name" in node && node.name !== undefined ? ` ${node.name}` : "";
  switch (node.kind) {
    case "window": {
      const { assigner, aggregator, trigger, evictor } = node;
      const time = assigner.time === "processing" ? ", processing time" : "";
      const when = trigger === undefined ? "" : `, trigger ${toTriggerName(trigger)}`;
      const left = evictor === undefined ? "" : `, evictor ${evictor.kind}`;
      const of = node.all ? "all keys, " : "";
      return `window${name} (${of}${toWindows(assigner)}${time}${when}${left}, ${aggregator?.kind ?? "process"})`;
    }
    case "rolling":
      return `${stepNameOf(node)} (rolling${node.method === stepNameOf(node) ? "" : ` ${node.method}`})`;
    case "intervalJoin":
      return `intervalJoin${name} (${toDurationText(node.lowerMs)} to ${toDurationText(node.upperMs)})`;
    case "windowJoin": {
      const time = node.assigner.time === "processing" ? ", processing time" : "";
      return `${node.mode === "pairs" ? "join" : "coGroup"}${name} (${toWindows(node.assigner)}${time})`;
    }
    case "tableJoin":
      return `${node.mode === "left" ? "leftJoin" : "join"}${name} (table)`;
    case "broadcast":
      return `connect${name} (broadcast ${node.keeps === "table" ? "table" : "stream"})`;
    case "pattern": {
      const time = node.time === "processing" ? "; processing time" : "";
      return `pattern${name} (${toPatternText(node.pattern)}${time})`;
    }
    case "process":
      return `${node.method}${name}`;
    case "mapAsync":
      return `mapAsync${name} (${node.spec.order})`;
    case "split":
      return `split${name} (${[...node.predicates.map((predicate) => predicate.name), "rest"].join(", ")})`;
    case "keyBy":
      if (node.sends !== "by-key") return node.sends === "to-all" ? "broadcast" : `forward${name}`;
      return node.fn === undefined ? `keyedByTopicKey${name}` : `keyBy${name}`;
    default:
      return `${node.kind}${name}`;
  }
}

function toTriggerName(trigger: TriggerSpec): string {
  if (trigger.kind === "purging") return `purging ${toTriggerName(trigger.of)}`;
  return trigger.kind === "count" ? `count ${trigger.n}` : trigger.kind;
}

/** Windows in an author's words: `1 min sliding by 1 s`. */
function toWindows(assigner: WindowAssignerSpec): string {
  switch (assigner.kind) {
    case "tumbling":
      return `${toDurationText(assigner.size)} tumbling`;
    case "sliding":
      return `${toDurationText(assigner.size)} sliding by ${toDurationText(assigner.slide)}`;
    case "cumulative":
      return `${toDurationText(assigner.size)} cumulative by ${toDurationText(assigner.step)}`;
    case "session":
      return `session, gap ${typeof assigner.gap === "function" ? "per element" : toDurationText(assigner.gap)}`;
    case "global":
    case "custom":
      return assigner.kind;
    default:
      return assigner satisfies never;
  }
}

/**
 * The topology as lines of text: operators, their functions with steps, what they read and write with partitions; then the topics and the
 * warnings. Ends without a newline.
 */
export function toText(topology: Topology): string {
  const { application, operators, topics, tables, warnings } = toDescription(topology);
  const lines = [application];
  for (const { name, file, line, functions } of operators) {
    lines.push("", `operator ${name}${file === "" ? "" : `  ${file}:${line}`}`);
    for (const [i, plan] of functions.entries()) {
      const last = i === functions.length - 1;
      lines.push(`${last ? "└─" : "├─"} ${plan.name}${plan.commits ? "" : "  (keeps no log)"}`);
      const stem = last ? "   " : "│  ";
      lines.push(`${stem}  reads   ${plan.reads.map(toLabel).join(", ")}`);
      if (plan.steps.length > 0) lines.push(`${stem}  runs    ${plan.steps.join(" → ")}`);
      const written = [
        ...plan.writes.map(toLabel),
        ...plan.puts.map((name) => `table ${name}`),
        ...plan.gives.map((name) => `sink ${name}`),
      ];
      if (plan.settings.length > 0) lines.push(`${stem}  set     ${plan.settings.join(", ")}`);
      if (plan.secrets.length > 0) lines.push(`${stem}  secret  ${plan.secrets.join(", ")}`);
      lines.push(`${stem}  writes  ${written.join(", ")}`);
    }
  }
  const width = Math.max(0, ...topics.map(({ name }) => name.length));
  lines.push("", "topics");
  for (const { name, kind, partitions, compacted, external } of topics)
    lines.push(
      `  ${name.padEnd(width)}  ${[kind, toCount(partitions), ...(compacted ? ["compacted"] : []), ...(external ? ["external"] : [])].join(", ")}`,
    );
  if (tables.length > 0) lines.push("", "tables");
  for (const { name, partitionKey, sortKey } of tables)
    lines.push(`  ${name}  key ${[partitionKey, ...(sortKey === null ? [] : [sortKey])].map(toKeyLabel).join(", ")}`);
  if (warnings.length > 0) lines.push("", "warnings", ...warnings.map((warning) => `  ${warning}`));
  return lines.join("\n");
}

function toLabel({ topic, partitions }: Connection): string {
  return `${topic} (${partitions})`;
}

function toKeyLabel({ name, type }: KeyAttribute): string {
  return `${name} (${type})`;
}

function toCount(partitions: number): string {
  return partitions === 1 ? "1 partition" : `${partitions} partitions`;
}

/** The topology as a Mermaid flowchart: topics as pipes, functions as boxes inside their operators. Dead letters are left out. */
export function toMermaid(topology: Topology): string {
  const { operators, topics, tables } = toDescription(topology);
  const shown = topics.filter(({ kind }) => kind !== "dead-letter");
  const idOf = (prefix: string, name: string) =>
    `${prefix}_${name.replace(/[^A-Za-z0-9]/g, (c) => `_${c.charCodeAt(0)}_`)}`;
  const lines = ["flowchart LR"];
  for (const { name, kind, partitions } of shown)
    lines.push(
      `  ${idOf("t", name)}${kind === "shuffle" ? "{{" : "[("}"${name}<br/>${toCount(partitions)}"${kind === "shuffle" ? "}}" : ")]"}`,
    );
  for (const { name } of tables) lines.push(`  ${idOf("d", name)}[/"${name}<br/>table"/]`);
  for (const { name, functions } of operators) {
    lines.push(`  subgraph ${idOf("o", name)}["${name}"]`);
    for (const plan of functions) lines.push(`    ${idOf("f", plan.name)}["${plan.name}"]`);
    lines.push("  end");
    for (const plan of functions) {
      for (const { topic } of plan.reads) lines.push(`  ${idOf("t", topic)} --> ${idOf("f", plan.name)}`);
      for (const { topic } of plan.writes) lines.push(`  ${idOf("f", plan.name)} --> ${idOf("t", topic)}`);
      for (const name of plan.puts) lines.push(`  ${idOf("f", plan.name)} --> ${idOf("d", name)}`);
      for (const name of plan.gives)
        lines.push(`  ${idOf("f", plan.name)} --> ${idOf("s", `${plan.name} ${name}`)}>"${name}<br/>sink"]`);
    }
  }
  return lines.join("\n");
}
