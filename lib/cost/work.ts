/** What functions have done for some records, measured or said: what a bill is computed from. */

/** What one function has done. */
export type FunctionWork = {
  /** As its application calls it: `count-words--by-key`. */
  readonly name: string;
  readonly memoryMb: number;
  /** Records of Kafka's that it was given; a bundle of a shuffle is one. */
  readonly records: number;
  /** Its calls by mappings, by its queue and by its schedule. */
  readonly invocations: number;
  /** Billed, of all invocations together. */
  readonly milliseconds: number;
  readonly commits: number;
  /** Cells of keyed state that commits set or removed: what would be an item each where every key has its own. */
  readonly cells: number;
  /** Of the table of state, and of tables of rows. */
  readonly writeUnits: number;
  readonly readUnits: number;
  /** Keys and values as Kafka counts them, headers and a record's own bytes included. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly logBytes: number;
  /** Wake-ups sent, received and deleted. */
  readonly queueRequests: number;
};

/** What an application has done for `inputRecords` records of the topics that it reads from outside. */
export type Work = {
  readonly inputRecords: number;
  /** What lies in the tables afterwards; it grows with keys, windows and timers that are live, not with records. */
  readonly stateBytes: number;
  readonly functions: readonly FunctionWork[];
};

/** Each of `work`'s numbers for a million records instead. */
export function perMillion({
  inputRecords,
  functions,
}: Pick<Work, "inputRecords" | "functions">): readonly FunctionWork[] {
  const factor = 1_000_000 / inputRecords;
  return functions.map(({ name, memoryMb, ...numbers }) => ({
    name,
    memoryMb,
    ...(Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, value * factor])) as typeof numbers),
  }));
}
