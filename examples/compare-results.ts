/** Compares what is in a topic with what must be there. */

import type { Expected } from "./example.ts";

const SHOWN_MAX = 5;

/** What differs, as sentences: the first few. */
export function compareResults(
  { topic, values, identify, isRight }: Expected,
  actual: readonly unknown[],
): readonly string[] {
  const differences: string[] = [];
  const found = new Map<string, unknown[]>();
  for (const value of actual) {
    const same = found.get(identify(value));
    if (same === undefined) found.set(identify(value), [value]);
    else same.push(value);
  }
  for (const value of values) {
    const first = found.get(identify(value))?.shift();
    if (first === undefined) differences.push(`${topic.topicName} lacks ${JSON.stringify(value)}.`);
    else if (!isRight(value, first))
      differences.push(`${topic.topicName} has ${JSON.stringify(first)} instead of ${JSON.stringify(value)}.`);
  }
  for (const value of [...found.values()].flat())
    differences.push(`${topic.topicName} has ${JSON.stringify(value)}, which should not be there.`);
  const more = differences.length - SHOWN_MAX;
  return more > 0 ? [...differences.slice(0, SHOWN_MAX), `And ${more} more in ${topic.topicName}.`] : differences;
}
