/** An operator that adds numbers up and writes every sum to both kinds of topics, under names of one's own. */

import { json, operator, stream, text, topic } from "millrace";
import type { Application } from "../../lib/local/application.ts";
import { buildTopology } from "../../lib/stream/topology.ts";

export type ZombieApplication = Application & {
  /** The function that keeps the sum, commits and emits. */
  readonly adding: string;
  /** The function before it. */
  readonly reading: string;
};

/** Topics `numbers-name`, `once-name` (exactlyOnce) and `marked-name` (idempotent), of one partition each. */
export function newZombieApplication(name: string): ZombieApplication {
  const value = json<number>();
  const numbers = topic(`numbers-${name}`, { value, partitions: 1 });
  const once = topic(`once-${name}`, { key: text(), value, partitions: 1, exactlyOnce: true });
  const marked = topic(`marked-${name}`, { key: text(), value, partitions: 1 });
  const sums = stream(numbers)
    .keyBy(() => "all")
    .sum((number) => number)
    .map(({ value }) => value);
  const add = operator(`add-${name}`, sums.to(marked), sums.to(once));
  return {
    name: `zombies-${name}`,
    folder: import.meta.dirname,
    adding: `add-${name}--by-key`,
    reading: `add-${name}`,
    operators: [add],
    topology: buildTopology(`zombies-${name}`, [add.definition]),
  };
}
