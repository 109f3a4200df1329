/**
 * Writers race on the state log over a simulated DynamoDB that does its worst, each run from one seed: every rule of the log holds, and what the log relies
 * on is shown to be needed by taking it away.
 */

import { describe, expect, test } from "vitest";
import { type Network, NetworkError } from "../../lib/simulation/network.ts";
import { createRandom } from "../../lib/simulation/random.ts";
import { SimulatedDynamoDb } from "../../lib/simulation/simulated-dynamodb.ts";
import { type Rules, rulesOf } from "../../lib/state-log/decisions.ts";
import { type DynamoDbClient, DynamoDbTable } from "../../lib/state-log/dynamodb-client.ts";
import { fromEntryItem, type Item } from "../../lib/state-log/dynamodb-items.ts";
import { DynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { RING_SLOTS } from "../../lib/state-log/state-log.ts";
import { fold, type Input, type Opened, openTask, toText, write } from "../state-log/model-task.ts";

const TABLE = "races";
const TASK = "task";

/** How often each fault happens where it may; every other seed is without them. */
const FAULT_RATE = 0.1;
const LOST_RATE = 0.03;
const LATE_RATE = 0.03;
const TRAVEL_MS_MAX = 20;
const LATE_MS_MAX = 9_000;

/** Changes the input of a command, as production code with a mistake would. */
type Mistake = (operation: string, input: Record<string, unknown>) => Record<string, unknown>;

type Race = { readonly seed: number; readonly slots: number; readonly inputs?: number; readonly mistake?: Mistake };

type Outcome = { readonly broken: string[]; readonly counts: Map<string, number> };

/** Runs a race of three writers to its end. */
async function race({ seed, slots, inputs = 24, mistake = (_, input) => input }: Race): Promise<Outcome> {
  const random = createRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const rules: Rules = rulesOf(slots);
  const input: Input[] = Array.from({ length: inputs }, () => ({
    key: below(4),
    kind: below(4) === 0 ? "remove" : "append",
  }));
  const broken: string[] = [];
  const counts = new Map<string, number>();
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);

  let nowMs = 1_000_000;
  const due: { readonly atMs: number; readonly run: () => void }[] = [];
  const after = (ms: number, run: () => void) => due.push({ atMs: nowMs + ms, run });
  const occurs = (name: string, rate: number) => {
    const does = seed % 2 === 1 && random() < rate;
    if (does) count(name);
    return does;
  };
  const network: Network = {
    call: (name, serve, deadlineMs = LATE_MS_MAX) =>
      new Promise((resolve, reject) => {
        count(name);
        const giveUp = () => reject(new NetworkError("no answer"));
        after(deadlineMs, giveUp);
        if (occurs("request lost", LOST_RATE)) return;
        after(1 + below(occurs("late", LATE_RATE) ? LATE_MS_MAX : TRAVEL_MS_MAX), () => {
          let answer: () => void;
          try {
            const value = serve();
            answer = () => resolve(value);
          } catch (error) {
            answer = () => reject(error);
          }
          if (!occurs("answer lost", LOST_RATE)) after(1 + below(TRAVEL_MS_MAX), answer);
        });
      }),
    occurs: (fault) => occurs(fault, FAULT_RATE),
    below,
  };

  const database = new SimulatedDynamoDb({ now: () => nowMs, tables: [TABLE] });
  const attempts: string[] = [];
  database.observe(({ pk, before, after }) => {
    if (!pk.startsWith("entries#")) return;
    const { entry } = fromEntryItem(after as Item);
    const lapBefore = before === undefined ? undefined : fromEntryItem(before as Item).entry.sequenceNumber;
    if (entry.sequenceNumber !== attempts.length + 1) broken.push(`L1: ${entry.attemptId} is not the next`);
    if (lapBefore !== undefined && lapBefore !== entry.sequenceNumber - slots)
      broken.push("L2: a slot was overwritten");
    if (entry.previousAttemptId !== (attempts.at(-1) ?? "")) broken.push(`L1: ${entry.attemptId} breaks the chain`);
    attempts[entry.sequenceNumber - 1] = entry.attemptId;
  });
  const logOf = (client: DynamoDbClient) =>
    new DynamoDbStateLog(new DynamoDbTable({ table: TABLE, client }), { rules, newAttemptId: () => `${random()}` });
  const log = logOf(mistaken(database.client(network), mistake));

  const check = ({ head, checkpoint, lists }: Opened) => {
    const { sequenceNumber = 0, attemptId } = head ?? {};
    if (attempts[sequenceNumber - 1] !== attemptId) broken.push(`L8: ${attemptId} was never committed`);
    if (toText(lists) !== toText(fold(input, checkpoint))) broken.push(`L7: the state at ${sequenceNumber} is wrong`);
  };
  const emit = () => new Promise<void>((resolve) => after(1 + below(TRAVEL_MS_MAX), resolve));
  const writer = { log, task: TASK, rules, inputs: input, breach: undefined, pick: below, emit, check };
  let isOver = false;
  const writers = Promise.all(["a", "b", "c"].map((name) => write({ ...writer, name })))
    .catch((error) => broken.push(String(error)))
    .finally(() => {
      isOver = true;
    });
  // What is late arrives after everybody has gone home.
  for (; due.length > 0 || !isOver; await new Promise(setImmediate)) {
    let first = 0;
    for (let i = 1; i < due.length; i += 1) if (due[i]!.atMs < due[first]!.atMs) first = i;
    const [next] = due.splice(first, 1);
    nowMs = next?.atMs ?? nowMs;
    next?.run();
  }
  await writers;
  const calm: Network = { call: async (_, serve) => serve(), occurs: () => false, below: () => 0 };
  await openTask(logOf(database.client(calm)), TASK, rules).then(
    (end) => {
      check(end);
      if (end.checkpoint !== input.length) broken.push(`L8: the state ends at ${end.checkpoint}`);
    },
    (error) => broken.push(String(error)),
  );
  broken.push(...database.unknown.map(String), ...database.invalid.map(String));
  return { broken, counts };
}

function mistaken(client: DynamoDbClient, mistake: Mistake): DynamoDbClient {
  const send = client.send as (command: { readonly input: object }) => Promise<unknown>;
  const change = (command: { readonly input: Record<string, unknown> }) => {
    const operation = command.constructor.name.replace(/Command$/, "");
    return send(Object.assign(Object.create(command), { input: mistake(operation, { ...command.input }) }));
  };
  return { send: change as unknown as DynamoDbClient["send"], destroy: () => client.destroy() };
}

const range = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

describe("L1, L2, L4, L7, L8 hold", () => {
  test.each([1, 2, 3, 5])("in a ring of %i", { timeout: 60_000 }, async (slots) => {
    const counts = new Map<string, number>();
    for (const seed of range(1, 20)) {
      const outcome = await race({ seed, slots });
      expect(outcome.broken, `seed ${seed}`).toEqual([]);
      for (const [name, times] of outcome.counts) counts.set(name, (counts.get(name) ?? 0) + times);
    }
    const kinds = ["throttled", "server-error", "repeated-request", "read-torn", "late", "request lost", "answer lost"];
    for (const kind of kinds) expect(counts.get(kind), kind).toBeGreaterThan(0);
  });

  test("in the ring that is kept, over several laps", { timeout: 60_000 }, async () => {
    for (const seed of range(1, 4))
      expect((await race({ seed, slots: RING_SLOTS, inputs: 6 * RING_SLOTS })).broken, `seed ${seed}`).toEqual([]);
  });

  test("a seed gives the same run again", async () => {
    const [one, two] = [await race({ seed: 7, slots: 3 }), await race({ seed: 7, slots: 3 })];
    expect([...one.counts]).toEqual([...two.counts]);
  });
});

describe("what the log relies on is needed", () => {
  const isOf = (kind: string, input: Record<string, unknown>) => JSON.stringify(input).includes(`"${kind}#`);
  const isFound = async (mistake: Mistake) => {
    for (const seed of range(1, 300)) if ((await race({ seed, slots: 3, mistake })).broken.length > 0) return true;
    return false;
  };
  const without = (input: Record<string, unknown>, fields: readonly string[]) =>
    Object.fromEntries(Object.entries(input).filter(([field]) => !fields.includes(field)));
  const CONDITION = [
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValuesOnConditionCheckFailure",
  ];

  test.each<[string, Mistake]>([
    [
      "L2: the condition of an entry",
      (operation, input) => (operation === "PutItem" && isOf("entries", input) ? without(input, CONDITION) : input),
    ],
    [
      "L2: a condition that looks at the number of the lap before, not only that there is one",
      (operation, input) =>
        operation === "PutItem" && input.ConditionExpression === "#seq = :lapBefore"
          ? { ...without(input, ["ExpressionAttributeValues"]), ConditionExpression: "attribute_exists(#seq)" }
          : input,
    ],
    [
      "L6: the condition of a chunk",
      (operation, input) => (operation === "PutItem" && isOf("chunks", input) ? without(input, CONDITION) : input),
    ],
    [
      "L4: the item that refused",
      (operation, input) => (operation === "PutItem" ? without(input, ["ReturnValuesOnConditionCheckFailure"]) : input),
    ],
    [
      "L8: consistent reads of entries",
      (_, input) => (isOf("entries", input) ? without(input, ["ConsistentRead"]) : input),
    ],
    [
      "L7: consistent reads of chunks",
      (_, input) => (isOf("chunks", input) ? without(input, ["ConsistentRead"]) : input),
    ],
  ])("%s", { timeout: 60_000 }, async (_, mistake) => {
    expect(await isFound(mistake)).toBe(true);
  });
});
