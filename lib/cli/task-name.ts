/** The names of tasks in a state log, taken apart. */

export type ParsedTask = {
  /** The name as it stands in the log. */
  readonly full: string;
  readonly application: string;
  readonly functionName: string;
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
};

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
