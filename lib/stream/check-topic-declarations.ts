/** The check that a topic name means one topic, and that nobody takes the name of an internal one. */

import { type OperatorGraph, topicsWrittenBy } from "./graph.ts";
import type { OperatorDefinition } from "./operator-definition.ts";
import { at, quote } from "./sentence.ts";
import type { AnyTopic } from "./topic.ts";
import { sameStrategy } from "./watermark-strategy.ts";

type Use = { readonly topic: AnyTopic; readonly operator: OperatorDefinition };

/** One sentence for each name that is declared in two ways. The same settings twice are one declaration: a file may be loaded twice. */
export function checkTopicDeclarations(graphs: readonly OperatorGraph[]): readonly string[] {
  const uses: Use[] = graphs.flatMap(({ operator, sources, nodes }) =>
    [...sources.map((source) => source.topic), ...topicsWrittenBy(nodes)].map((topic) => ({ topic, operator })),
  );
  const internal = new Map(
    graphs.flatMap(({ operator, shuffles }) => [
      [operator.deadLetterTopic, operator] as const,
      ...shuffles.map(({ name }) => [name, operator] as const),
    ]),
  );
  return [...Map.groupBy(uses, ({ topic }) => topic.topicName)].flatMap(([name, [first, ...others]]) => {
    const problems: string[] = [];
    for (const other of others) {
      const differs = whatDiffers(first!.topic, other.topic);
      if (differs === undefined) continue;
      const where =
        first!.operator === other.operator
          ? `${at(first!.operator)} uses`
          : `${at(first!.operator)} and ${at(other.operator).replace("Operator", "operator")} use`;
      problems.push(
        `${where} two declarations of the topic ${quote(name)} that differ in ${differs}; declare it once and import it.`,
      );
      break;
    }
    const owner = internal.get(name);
    if (owner !== undefined)
      problems.push(
        `${at(first!.operator)} uses a topic called ${quote(name)}, which is the name of an internal topic of ${at(owner).replace("Operator", "operator")}; rename the operator.`,
      );
    return problems;
  });
}

/** The first setting in which two declarations differ, as authors know it. */
function whatDiffers(a: AnyTopic, b: AnyTopic): string | undefined {
  if (a === b) return undefined;
  if (!sameFormat(a.valueFormat, b.valueFormat)) return "value";
  if (!sameFormat(a.keyFormat, b.keyFormat)) return "key";
  // Two loads of one file make two functions of one text.
  if (a.timestampOf !== b.timestampOf && String(a.timestampOf) !== String(b.timestampOf)) return "timestampOf";
  if (!sameStrategy(a.watermark, b.watermark)) return "watermark";
  const settings = ["partitions", "retention", "compacted", "exactlyOnce", "external"] as const;
  return settings.find((setting) => a[setting] !== b[setting]);
}

function sameFormat(a: AnyTopic["keyFormat"], b: AnyTopic["keyFormat"]): boolean {
  // Schemas cannot be compared; that one has a schema and the other has none can be seen.
  return a?.kind === b?.kind && (a?.schema === undefined) === (b?.schema === undefined);
}
