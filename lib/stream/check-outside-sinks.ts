/** The check that the sinks of an operator can be told apart. */

import { type OperatorGraph, outsideSinksOf } from "./graph.ts";
import { at, quote } from "./sentence.ts";

/** One sentence for each name of two sinks of an operator: a commit says by name where its elements go. */
export function checkOutsideSinks({ operator, nodes }: OperatorGraph): readonly string[] {
  return [...Map.groupBy(new Set(outsideSinksOf(nodes)), ({ sinkName }) => sinkName)].flatMap(([name, same]) =>
    same.length < 2
      ? []
      : [`${at(operator)} writes to ${same.length} sinks called ${quote(name)}; give each a name of its own.`],
  );
}
