/** The definition of an operator, from what its author wrote; the handler around it is made in lib/lambda. */

import type { SourceLocation } from "./caller.ts";
import type { Sink } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { SinkNode } from "./node.ts";
import type { OperatorDefinition, OperatorOptions } from "./operator-definition.ts";
import { wrongTopicName } from "./topic.ts";

/**
 * The definition behind `operator(nameOrOptions, ...sinks)`. Throws a MillraceError "definition" for what cannot be an operator at all; names
 * and everything else that must fit together are checked with the whole topology.
 */
export function defineOperator(
  nameOrOptions: string | ({ readonly name: string } & OperatorOptions),
  sinks: readonly Sink[],
  { file, line }: SourceLocation,
): OperatorDefinition {
  const { name, onError, deadLetterTopic, function: settings } = toOptions(nameOrOptions);
  const at = file === "" ? "" : ` (${file}:${line})`;
  const wrong = (sentence: string) =>
    new MillraceError("definition", `Operator ${JSON.stringify(name)}${at}: ${sentence}`);
  if (typeof name !== "string") throw wrong("its name is a string.");
  if (onError !== undefined && onError !== "dead-letter" && onError !== "fail")
    throw wrong(`onError is "dead-letter" or "fail", not ${JSON.stringify(onError)}.`);
  const wrongTopic = deadLetterTopic === undefined ? undefined : wrongTopicName(deadLetterTopic);
  if (wrongTopic !== undefined) throw wrong(`deadLetterTopic ${JSON.stringify(deadLetterTopic)}: ${wrongTopic}`);
  for (const sink of sinks)
    if (sink?.kind !== "sink") throw wrong("it takes sinks; a stream becomes one with .to(topic).");
  return {
    operatorName: name,
    file,
    line,
    onError: onError ?? "dead-letter",
    deadLetterTopic: deadLetterTopic ?? `${name}--dead-letters`,
    function: settings ?? {},
    sinks: sinks as readonly Sink[] as readonly SinkNode[],
  };
}

function toOptions(nameOrOptions: string | ({ readonly name: string } & OperatorOptions)) {
  return typeof nameOrOptions === "object" && nameOrOptions !== null
    ? nameOrOptions
    : ({ name: nameOrOptions } as { readonly name: string } & OperatorOptions);
}
