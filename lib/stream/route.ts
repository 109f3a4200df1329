/** One of several topics, chosen element by element. */

import { authorFunction } from "./author-function.ts";
import type { Writer, WriterSpec } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { TopicTarget } from "./node.ts";
import { quote } from "./sentence.ts";
import { type AnyTopic, plainTarget } from "./topic.ts";

/**
 * Writes each element to the topic that `select` names: `.to(route({ eu: ordersEu, us: ordersUs }, (order) => order.region))`. Elements and their key must fit each of
 * the topics, or what `topic.from` and `topic.record` make of them. An element for which `select` names something else is a dead letter.
 *
 * Throws a MillraceError "definition" where there is no topic to choose from.
 */
export function route<T, K = never>(
  topics: Readonly<Record<string, Writer<NoInfer<T>, NoInfer<K>>>>,
  select: (element: T) => string,
): Writer<T, K> {
  const routes = new Map(Object.entries(topics ?? {}).map(([name, writer]) => [name, toTarget(name, writer)]));
  if (routes.size === 0)
    throw new MillraceError("definition", "route() takes topics by name: route({ eu: ordersEu, us: ordersUs }, …).");
  const target = { kind: "route", routes, select: authorFunction(select, "route") } as const;
  return { kind: "writer", target } satisfies WriterSpec as unknown as Writer<T, K>;
}

function toTarget(name: string, writer: unknown): TopicTarget {
  const given = writer as AnyTopic | WriterSpec | null | undefined;
  if (given?.kind === "topic") return plainTarget(given);
  if (given?.kind === "writer" && given.target.kind === "topic") return given.target;
  throw new MillraceError(
    "definition",
    `route() takes topics, topic.from(…) or topic.record(…); under ${quote(name)} stands something else.`,
  );
}
