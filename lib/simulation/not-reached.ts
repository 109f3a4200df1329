/** Blocks of the protocol's files that a simulated run does not reach, each with the reason. Every other one must be run. */

export type UnreachedBlock = {
  readonly file: string;
  /** How the block begins. */
  readonly text: string;
  readonly why: string;
};

export const NOT_REACHED: readonly UnreachedBlock[] = [
  ...because("told to nobody here: it is asked by other code than tasks", "state-log/dynamodb-state-log.ts", [
    "get units()",
    "async tasks()",
    "async close()",
    "async #readHead(",
    "async function openDynamoDbStateLog(",
    ": fromNumber(result.found?.[GENERATION])",
  ]),
  ...because("only a broken table, or one of somebody else, brings it about", "state-log/dynamodb-state-log.ts", [
    "? undefined",
    "throw new MillraceError(",
    ': "a folder"',
    "?.number",
    "&& missing.attemptId === attemptId",
    "throw error;",
  ]),
  ...because(
    "a blob is missing only where a reader and a sweep meet; test/services/dynamodb-parts.test.ts makes them meet",
    "state-log/dynamodb-parts.ts",
    ["return;"],
  ),
  ...because(
    "it tells of a log that was truncated, restored or written by something else: test/state-log/decisions.test.ts",
    "state-log/decisions.ts",
    [
      "(reason: string): Stop =>",
      "// Whoever appends n has seen",
      ": `holds entry",
      "return broken(`ends at entry",
      "return broken(`has an entry",
      'return { kind: "unknown-layout", entry: later }',
      "return stop;",
      ': broken("has a first entry',
      "return broken(`goes back",
      'const holds = found === undefined ? "is empty"',
    ],
  ),
  ...because(
    "an entry was gone from its slot twice within one read; test/state-log/race.test.ts makes it so",
    "state-log/decisions.ts",
    ["else if (later !== undefined && rules.isTaken(later, number))", 'return { kind: "start-again", seen: later'],
  ),
  ...because(
    "a segment is missing only where a reader is overtaken by a place that is taken again, or it was taken away: test/state-log/segments.test.ts",
    "state-log/workflow.ts",
    ["// A place is only taken again", 'throw toError(task, { kind: "broken", reason: `lacks'],
  ),
  ...because(
    "a segment is missing only where a reader is overtaken by a place that is taken again, or it was taken away: test/state-log/segments.test.ts",
    "state-log/segments.ts",
    ["return { chunks, entries, isWhole: false"],
  ),
  ...because(
    "what follows an entry that holds everything is covered by a chunk before it leaves the ring: test/state-log/segments.test.ts",
    "state-log/segments.ts",
    ["? 1"],
  ),
  ...because("the decision that leads here is out of reach (decisions.ts)", "state-log/workflow.ts", [
    'case "broken":',
    'case "read-slots":',
    "seen = read.seen;",
    "throw new MillraceError(",
    "default:",
  ]),
  ...because("all that is called says which topics it writes", "kafka/transactions.ts", [
    "?? [...new Set(batches",
    "({ topic }) => topic",
  ]),
  ...because("Kafka before 3.6 is not simulated: test/services/kafka-transactions.test.ts", "kafka/transactions.ts", [
    "throw new MillraceError(",
  ]),
  ...because("a task always says where its number is kept", "kafka/transactions.ts", ["const [first] = batches;"]),
  ...because(
    "Kafka's own loss of ends (KAFKA-20734) is not among the faults: test/contracts/transactions.contract.ts loses them",
    "kafka/lost-transaction-ends.ts",
    [
      "return;",
      "(open) => wasOpen.has",
      "await askLeaders(cluster, open",
      "catch (error) {",
      "({ coordinatorEpoch }) =>",
      "(led) => writeTxnMarkers",
    ],
  ),
  ...because(
    "outputs of these programs are far from a request's or a batch's limit: test/services/kafka-broker.test.ts",
    "kafka/write-batches.ts",
    [
      "at += 1;",
      "else for (const record of records)",
      "&& i > start",
      "pieces.push({ topic, partition, size, records: records.slice(start, i) })",
      "?? NO_ANSWER",
    ],
  ),
  ...because("a slot from which an entry was taken holds something of no lap", "state-log/decisions.ts", [
    '? "is empty"',
  ]),
  ...because("the command line asks what holds a watermark back", "watermarks/combined.ts", ["function slowestOf("]),
  ...because("results here never fill a commit: test/runtime/full-commits.test.ts", "runtime/open-task.ts", [
    "? meta.moving.toMs",
  ]),
  ...because(
    "who begins is seldom so slow that all is processed and gone meanwhile: test/runtime/input-position.test.ts",
    "runtime/task.ts",
    ["? (await this.#reopen()).head"],
  ),
  ...because("who is behind opens the task anew", "runtime/open-task.ts", ["return false;"]),
  ...because("every topic that is written is in the plan", "runtime/open-task.ts", ["?? 1"]),
  ...because("redrives are not among what happens here: test/runtime/redrive-faults.test.ts", "runtime/task.ts", [
    "redrive(letters:",
    "async #redrive(",
  ]),
  ...because("an answer of Kafka holds more than these topics", "runtime/find-input.ts", [": before"]),
  ...because("six lost races in a row: test/runtime/commit-and-emit.test.ts", "runtime/task.ts", [
    "throw new MillraceError(",
  ]),
  ...because("a function without a log is called on no tick here", "runtime/task.ts", ["return;"]),
  ...because("an event always holds records", "runtime/find-input.ts", [
    "return { first: undefined",
    "return undefined;",
  ]),
  ...because("a topic here never loses a partition", "runtime/find-input.ts", [
    'throw new MillraceError("input-missing", `Topic',
  ]),
  ...because("strict mode is the test driver's", "runtime/task.ts", [
    "assertUnchanged(",
    "({ bad, careful } = task.units);",
  ]),
  ...because("a task without a log has no entry", "runtime/task.ts", ["?? 0"]),
  ...because(
    "no tables and sinks of one's own here: test/runtime/tables.test.ts, test/runtime/outside-sinks.test.ts",
    "runtime/task.ts",
    ["this.#host.report(toRefusedReport(", ": this.#host.tables?.takeUnits", "&& { tableUnits }"],
  ),
  ...because("nothing asks the outside here: test/runtime/map-async-crashes.test.ts", "runtime/task.ts", [
    '&& input.kind !== "tick"',
    "await clientsOf(",
    "(round) =>",
    "? await first",
  ]),
  ...because(
    "what is no bundle, or of nobody, is in no shuffle here: test/runtime/shuffle-bundles.test.ts",
    "runtime/read-shuffle.ts",
    ["throw new MillraceError("],
  ),
  ...because("strict mode is the test driver's", "runtime/read-shuffle.ts", [
    '&& columns.kind === "elements"',
    "columns.values.forEach(deepFreeze)",
  ]),
  ...because("a first bundle of a later generation is the first of all here", "runtime/read-shuffle.ts", [
    ": 1",
    "continue;",
  ]),
  ...because(
    'onError "fail" and elements that throw behind a shuffle: test/runtime/bad-input.test.ts',
    "runtime/read-shuffle.ts",
    [
      'if (task.plan.operator.onError === "fail")',
      "for (const step of chain.stateful) step.flush?.();",
      "catch (error) {",
      "// Step by step, to find",
      "throw stopped(task,",
    ],
  ),
  ...because("all upstream tasks are known from the topology", "runtime/prepared-bundles.ts", ["?? unheardUpstream()"]),
  ...because(
    "retention spares here what may still be released: test/runtime/send-ahead.test.ts",
    "runtime/prepared-bundles.ts",
    ["? undefined", "throw this.#missing(", "#missing("],
  ),
  ...because("what is sent ahead are bundles, each small enough for one batch", "kafka/write-batches.ts", [
    "return -1;",
    "?? []",
    "before -= piece.records.length;",
  ]),
  ...because("no source begins at the latest record here", "runtime/find-hole.ts", [
    "return { records: undefined, isWhole: true };",
  ]),
  ...because("a topic here never loses a partition", "runtime/find-hole.ts", ["?? 0"]),
  ...because("the simulated Kafka returns what it has", "runtime/find-hole.ts", ["throw new MillraceError("]),
  ...because("256 cells are more than these states have", "runtime/snapshot.ts", ["return undefined;"]),
];

function because(why: string, file: string, texts: readonly string[]): UnreachedBlock[] {
  return texts.map((text) => ({ file, text, why }));
}
