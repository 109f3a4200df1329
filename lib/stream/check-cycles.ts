/** The check that no topic leads back to itself through the operators that read and write it. */

import { type OperatorGraph, topicsWrittenBy } from "./graph.ts";
import { at, quote } from "./sentence.ts";

/** One sentence, with the path, for each circle that is found; a topic is named in at most one. */
export function checkCycles(graphs: readonly OperatorGraph[]): readonly string[] {
  const readers = new Map<string, OperatorGraph[]>();
  for (const graph of graphs)
    for (const name of new Set(graph.sources.map((source) => source.topic.topicName)))
      readers.set(name, [...(readers.get(name) ?? []), graph]);

  const problems: string[] = [];
  const finished = new Set<string>();
  const path: { topic: string; through: OperatorGraph | undefined }[] = [];
  const visit = (topic: string, through: OperatorGraph | undefined): void => {
    const start = path.findIndex((step) => step.topic === topic);
    if (start >= 0) {
      problems.push(toSentence([...path.slice(start), { topic, through }]));
      return;
    }
    if (finished.has(topic)) return;
    path.push({ topic, through });
    for (const reader of readers.get(topic) ?? [])
      for (const next of new Set(topicsWrittenBy(reader.nodes).map((written) => written.topicName)))
        visit(next, reader);
    path.pop();
    finished.add(topic);
  };
  for (const topic of readers.keys()) visit(topic, undefined);
  return problems;
}

function toSentence(circle: readonly { topic: string; through: OperatorGraph | undefined }[]): string {
  const operators = [...new Set(circle.slice(1).map((step) => step.through!))];
  const steps = circle.map(({ topic, through }, index) =>
    index === 0 ? quote(topic) : `${through!.operator.operatorName} → ${quote(topic)}`,
  );
  return `${operators.map((graph) => at(graph.operator)).join(", ")}: the topic ${quote(circle[0]!.topic)} leads back to itself (${steps.join(" → ")}); write to another topic.`;
}
