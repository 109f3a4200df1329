/** Whether functions can do what a rate asks of them: what one partition's task has of time and of DynamoDB's units. */

import type { FunctionWork, Work } from "./work.ts";

/** DynamoDB takes so many of one partition key in a second; a task's entries have one. */
const WRITE_UNITS_PER_TASK = 1_000;
/** Above this a burst makes it fall behind. */
const SHARE_MAX = 0.7;

/** A sentence for each function that would fall behind, or nearly, at a rate. `tasksOf`: how many partitions it reads. */
export function limitsReached(
  { inputRecords, functions }: Work,
  recordsPerSecond: number,
  tasksOf: (name: string) => number,
): readonly string[] {
  const seconds = inputRecords / recordsPerSecond;
  const shareOf = (one: FunctionWork, used: number, each: number) => used / seconds / (tasksOf(one.name) * each);
  return functions.flatMap((one) => {
    const tasks = `its ${tasksOf(one.name)} ${tasksOf(one.name) === 1 ? "task" : "tasks"}`;
    const busy = shareOf(one, one.milliseconds, 1_000);
    const units = shareOf(one, one.writeUnits, WRITE_UNITS_PER_TASK);
    return [
      ...(busy > SHARE_MAX
        ? [
            `${one.name} is busy for ${percent(busy)} of the time of ${tasks}: give it more memory or its topic more partitions.`,
          ]
        : []),
      ...(units > SHARE_MAX
        ? [
            `${one.name} writes ${percent(units)} of what DynamoDB takes of ${tasks}, ${WRITE_UNITS_PER_TASK} units a second each: give its topic more partitions, or gather records for longer.`,
          ]
        : []),
    ];
  });
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
