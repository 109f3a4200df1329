/** How sentences about operators begin and list things. */

import type { StatefulNode } from "./node.ts";
import type { OperatorDefinition } from "./operator-definition.ts";

/** `Operator "count-words" (functions/count-words.ts:7)`. */
export function at({ operatorName, file, line }: OperatorDefinition): string {
  return `Operator ${quote(operatorName)}${file === "" ? "" : ` (${file}:${line})`}`;
}

export function quote(name: string): string {
  return JSON.stringify(name);
}

const STEPS = {
  window: "window",
  intervalJoin: "interval join",
  windowJoin: "window join",
  tableJoin: "table join",
  connect: "connect",
  broadcast: "connect with a broadcast stream",
  pattern: "pattern",
} as const;

/** `the window`, `the count "total"`. */
export function describeStep(node: StatefulNode): string {
  const kind = node.kind === "rolling" || node.kind === "process" ? node.method : STEPS[node.kind];
  return node.name === undefined ? `the ${kind}` : `the ${kind} ${quote(node.name)}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listOf(things: readonly string[]): string {
  return things.length < 2 ? things.join() : `${things.slice(0, -1).join(", ")} and ${things.at(-1)}`;
}
