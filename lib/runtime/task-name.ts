/** The names of tasks: put together for those who run them, taken apart for those who find them in a state log. */

/** What names a task. */
export type TaskName = {
  readonly application: string;
  readonly functionName: string;
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
  /** `application/function/topic-partition/generation`: its name in the state log and in identities. */
  readonly full: string;
  /** `function/topic-partition`: its name in bundles. */
  readonly short: string;
};

/** The names of the task that is a function on one partition of its input. */
export function toTaskName(
  application: string,
  functionName: string,
  topic: string,
  partition: number,
  generation: number,
): TaskName {
  const short = `${functionName}/${topic}-${partition}`;
  const full = `${application}/${short}/${generation}`;
  return { application, functionName, topic, partition, generation, full, short };
}

/** A name that was found in a state log. */
export type ParsedTask = Omit<TaskName, "short">;

/** Takes `application/function/topic-partition/generation` apart; undefined for anything else. An application's name may hold slashes. */
export function parseTaskName(full: string): ParsedTask | undefined {
  const match = /^(.+)\/([^/]+)\/([^/]+)-(\d+)\/(\d+)$/.exec(full);
  if (match === null) return undefined;
  const [, application, functionName, topic, partition, generation] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return { full, application, functionName, topic, partition: Number(partition), generation: Number(generation) };
}
