/** The simulated DynamoDB and a real one, given the same random commands, give the same answers. */

import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PERFECT_NETWORK } from "../../lib/simulation/network.ts";
import { SimulatedDynamoDb } from "../../lib/simulation/simulated-dynamodb.ts";
import { toCanonicalNumber } from "../../lib/simulation/simulated-dynamodb-numbers.ts";
import type { Item } from "../../lib/state-log/dynamodb-items.ts";
import { createTableCommand } from "../../lib/state-log/dynamodb-table.ts";
import { type DynamoDbLocal, startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { callsTo, type DynamoDbCalls } from "../contracts/dynamodb-calls.ts";

const table = `likeness-${randomUUID()}`;
let server: DynamoDbLocal;
let client: DynamoDBClient;
let real: DynamoDbCalls;
beforeAll(async () => {
  server = await startDynamoDbLocal();
  const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "example" };
  client = new DynamoDBClient({ endpoint: server.endpoint, region: "us-east-1", credentials });
  await client.send(createTableCommand(table));
  real = callsTo(table, () => client);
});
afterAll(async () => {
  client?.destroy();
  await server?.stop();
});

const RUNS = 500;

const digits = fc.stringMatching(/^[0-9]{1,38}$/);
const number = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: -3, max: 3 }).map(String) },
  { weight: 5, arbitrary: fc.constantFrom("9007199254740992", "9007199254740993", "1.00", "1", ".1", "0.10", "-0") },
  { weight: 3, arbitrary: digits },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom("", "-", "+"), fc.stringMatching(/^[0-9]{1,19}$/), fc.stringMatching(/^[0-9]{1,19}$/))
      .map(([sign, whole, rest]) => `${sign}${whole}.${rest}`),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.integer(), fc.integer({ min: -130, max: 120 })).map(([n, power]) => `${n}e${power}`),
  },
  fc.constantFrom("", "-", "1e", "0x1", "1e130", "1e-135", "1234567890123456789012345678901234567890"),
);
const value: fc.Arbitrary<Item[string]> = fc.oneof(
  { weight: 10, arbitrary: number.map((N) => ({ N })) },
  {
    weight: 4,
    arbitrary: fc.string({ unit: fc.constantFrom("a", "B", "é", "𝄞", "\uFFFD"), maxLength: 2 }).map((S) => ({ S })),
  },
  { weight: 2, arbitrary: fc.uint8Array({ max: 2, maxLength: 2 }).map((B) => ({ B: Uint8Array.from(B) })) },
  fc.boolean().map((BOOL) => ({ BOOL })),
);
const attributes = fc.dictionary(fc.constantFrom("a", "b", "c"), value, { maxKeys: 3, minKeys: 1 });
const key = fc.constantFrom("1", "2").map((sk) => ({ sk: { S: sk } }));

const NAMES = { "#a": "a", "#b": "b", "#c": "c", "#a2": "a", "#sk": "sk" };
const name = fc.constantFrom(...Object.keys(NAMES));
const VALUES = [":a", ":b", ":c"];
const given = fc.constantFrom(...VALUES);
const blank = fc.constantFrom("", " ", "  ");
const comparator = fc.constantFrom("=", "<>", "<", "<=", ">", ">=");

/** Texts of conditions; those with two names alike or too many parentheses are wrong. */
const { condition, compound } = fc.letrec<{ condition: string; compound: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, depthIdentifier: "condition" },
    { weight: 8, arbitrary: fc.tuple(name, blank, comparator, blank, given).map((parts) => parts.join("")) },
    { weight: 2, arbitrary: fc.tuple(given, blank, comparator, blank, name).map((parts) => parts.join("")) },
    fc.tuple(name, comparator, name).map((parts) => parts.join(" ")),
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom("attribute_exists", "attribute_not_exists"), blank, name)
        .map(([called, space, of]) => `${called}${space}(${of})`),
    },
    { weight: 3, arbitrary: tie("condition").map((inner) => `NOT ${inner}`) },
    { weight: 5, arbitrary: tie("compound").map((inner) => `(${inner})`) },
    { weight: 5, arbitrary: tie("compound") },
    fc.tuple(tie("condition"), fc.constantFrom("(", ")")).map((parts) => parts.join("")),
    tie("condition").map((inner) => `(${inner})`),
  ),
  compound: fc
    .tuple(tie("condition"), fc.constantFrom("AND", "OR", "and", "Or"), tie("condition"))
    .map((parts) => parts.join(" ")),
}));

/** Names and values of what a text speaks of; now and then one too many or one too few. */
const scoped = <T extends string>(field: T, text: fc.Arbitrary<string>) =>
  fc
    .record({
      text,
      values: fc.tuple(value, value, value),
      slip: fc.oneof(
        { weight: 30, arbitrary: fc.constant(undefined) },
        fc.constantFrom(...Object.keys(NAMES), ...VALUES),
      ),
    })
    .map(({ text: written, values, slip }) => {
      const isUsed = (use: string) => new RegExp(`${use}(?![a-z0-9])`).test(written) !== (use === slip);
      const names = Object.entries(NAMES).filter(([use]) => isUsed(use));
      const valued = VALUES.map((use, i) => [use, values[i]]).filter(([use]) => isUsed(use as string));
      return {
        [field]: written,
        ...(names.length === 0 ? {} : { ExpressionAttributeNames: Object.fromEntries(names) }),
        ...(valued.length === 0 ? {} : { ExpressionAttributeValues: Object.fromEntries(valued) }),
      };
    });

const conditions = fc.option(
  fc
    .tuple(scoped("ConditionExpression", fc.oneof(condition, compound)), fc.boolean())
    .map(([fields, isAsked]) =>
      isAsked ? { ...fields, ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const } : fields,
    ),
  { nil: {}, freq: 4 },
);

type Command = (calls: DynamoDbCalls, pk: string) => Promise<unknown>;

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(key, attributes, conditions)
      .map(([at, item, more]) =>
        named(["put", at, item, more], (to, pk) => to.put({ pk: { S: pk }, ...at, ...item }, more)),
      ),
  },
  fc
    .tuple(key, conditions)
    .map(([at, more]) => named(["remove", at, more], (to, pk) => to.remove({ pk: { S: pk }, ...at }, more))),
  fc
    .tuple(
      key,
      scoped(
        "UpdateExpression",
        fc
          .array(fc.tuple(name, fc.constantFrom(...VALUES)), { minLength: 1, maxLength: 3 })
          .map((all) => `SET ${all.map((one) => one.join(" = ")).join(", ")}`),
      ),
    )
    .map(([at, more]) => named(["update", at, more], (to, pk) => to.update({ pk: { S: pk }, ...at }, more))),
  fc
    .tuple(key, fc.boolean())
    .map(([at, ConsistentRead]) =>
      named(["read", at], (to, pk) => to.read({ pk: { S: pk }, ...at }, { ConsistentRead })),
    ),
);

/** So that a counterexample can be read. */
function named(description: unknown, run: Command): Command {
  return Object.assign(run, { [fc.toStringMethod]: () => JSON.stringify(description) });
}

/** DynamoDB Local gives some numbers as an update wrote them, such as "-1e0"; AWS does not. */
function withPlainNumbers(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer, (field, of) => (field === "N" ? toCanonicalNumber(of) : of)));
}

/** An answer without what differs from call to call, or the name of an error and the item that it brings. */
async function answerOf(asked: Promise<unknown>): Promise<unknown> {
  try {
    const { $metadata: _, ...answer } = (await asked) as Record<string, unknown>;
    return withPlainNumbers(answer);
  } catch (error) {
    const { name: called, Item: item } = error as Error & { Item?: Item };
    return withPlainNumbers({ called, item });
  }
}

test("whatever is put, compared, set and read", async () => {
  const outcomes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 3, maxLength: 8 }), async (commands) => {
      const database = new SimulatedDynamoDb({ now: () => 0, tables: [table] });
      const simulated = callsTo(table, () => database.client(PERFECT_NETWORK));
      const pk = randomUUID();
      // A query that finds nothing costs what a read of nothing does; DynamoDB Local alone says that it is free.
      for (const calls of [real, simulated]) await calls.put({ pk: { S: pk }, sk: { S: "0" } });
      for (const run of commands) {
        const expected = await answerOf(run(real, pk));
        expect(await answerOf(run(simulated, pk))).toEqual(expected);
        const { called = "answered" } = expected as { called?: string };
        outcomes.set(called, (outcomes.get(called) ?? 0) + 1);
      }
      expect(await answerOf(simulated.query(pk))).toEqual(await answerOf(real.query(pk)));
      expect(database.unknown).toEqual([]);
    }),
    { numRuns: RUNS },
  );
  // Not everything was refused alike.
  for (const outcome of ["answered", "ConditionalCheckFailedException", "ValidationException"])
    expect(outcomes.get(outcome), outcome).toBeGreaterThan(RUNS / 4);
});
