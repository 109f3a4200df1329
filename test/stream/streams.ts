/** What the tests of lib/stream build operators from. */

import { defineOperator } from "../../lib/stream/define-operator.ts";
import type { Sink } from "../../lib/stream/elements.ts";
import { MillraceError } from "../../lib/stream/error.ts";
import type { SinkNode, TopicTarget } from "../../lib/stream/node.ts";
import type { OperatorDefinition } from "../../lib/stream/operator-definition.ts";
import type { TopicRecord } from "../../lib/stream/topic.ts";
import { buildTopology } from "../../lib/stream/topology.ts";

/** An operator as if it stood in a file of its name. */
export function define(name: string, ...sinks: readonly Sink[]): OperatorDefinition {
  return defineOperator(name, sinks, { file: `functions/${name}.ts`, line: 5 });
}

/** The problems that the topology check finds, one sentence each. */
export function problemsOf(...operators: readonly OperatorDefinition[]): readonly string[] {
  try {
    buildTopology("shop", operators);
    return [];
  } catch (error) {
    if (error instanceof MillraceError && error.code === "topology") return error.message.split("\n");
    throw error;
  }
}

/** A sink as the engine sees it. */
export function nodeOf(sink: Sink): SinkNode {
  return sink as SinkNode;
}

/** What a sink to a topic writes of an element, its key and its timestamp. */
export function recordOf(sink: Sink, ...given: Parameters<TopicTarget["toRecord"]>): TopicRecord {
  return (nodeOf(sink).target as TopicTarget).toRecord(...given);
}
