/** More is due at once than a commit holds: it fires in several, in order, each result once, whatever happens between them. */

import {
  at,
  boundedOutOfOrderness,
  dynamoTable,
  json,
  milliseconds,
  type Operator,
  operator,
  session,
  sink,
  sliding,
  stream,
  testDriver,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";
import type { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { readTopic } from "../../lib/local/read-topic.ts";
import { COMMIT_LIMITS } from "../../lib/runtime/commit-limits.ts";
import type { CallFault } from "../../lib/simulation/faults.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { decodeBundle } from "../../lib/wire/bundle.ts";
import { World } from "./environments.ts";
import { runWithEachCallFailing } from "./faulty-run.ts";

type Click = { readonly user: string };
type Result = { readonly user: string; readonly count: number; readonly atMs: number };

const watermark = boundedOutOfOrderness(milliseconds(30));
const clicks = topic("clicks", { value: json<Click>(), watermark, partitions: 1 });
const results = topic("results", { value: json<Result>(), partitions: 1 });
const byUser = stream(clicks).keyBy(({ user }) => user);
const toResult = (one: { key: string; value: number; window: { startMs: number } }): Result => ({
  user: one.key,
  count: one.value,
  atMs: one.window.startMs,
});

/** Windows that stay for late elements, so that what is left of them does not say whether they fired. */
const kept = (name: string) =>
  byUser
    .window(tumbling(milliseconds(100)), { name })
    .allowedLateness(milliseconds(60))
    .count()
    .map(toResult);

const OPERATORS: readonly (readonly [kind: string, operator: Operator])[] = [
  [
    "tumbling windows",
    operator(
      "o",
      byUser
        .window(tumbling(milliseconds(100)))
        .count()
        .map(toResult)
        .to(results),
    ),
  ],
  [
    "tumbling windows with lateness",
    operator(
      "o",
      byUser
        .window(tumbling(milliseconds(100)))
        .allowedLateness(milliseconds(60))
        .count()
        .map(toResult)
        .to(results),
    ),
  ],
  [
    "sliding windows",
    operator(
      "o",
      byUser
        .window(sliding(milliseconds(100), milliseconds(50)))
        .count()
        .map(toResult)
        .to(results),
    ),
  ],
  [
    "sessions with lateness",
    operator(
      "o",
      byUser
        .window(session(milliseconds(15)))
        .allowedLateness(milliseconds(60))
        .count()
        .map(toResult)
        .to(results),
    ),
  ],
  ["windows that are told of time one after the other", operator("o", kept("first").union(kept("second")).to(results))],
  [
    "windows with a function",
    operator(
      "o",
      byUser
        .window(tumbling(milliseconds(100)))
        .process((all, { key, window }) => [{ user: key, count: all.length, atMs: window.startMs }])
        .to(results),
    ),
  ],
  [
    "patterns",
    operator(
      "o",
      byUser
        .pattern((p) => p.begin("first").followedByAny("second").within(milliseconds(80)))
        .timedOut((_, { key, timestampMs }) => ({ user: key, count: 1, atMs: timestampMs }))
        .select((_, { key, timestampMs }) => ({ user: key, count: 2, atMs: timestampMs }))
        .to(results),
    ),
  ],
  [
    "timers that feed windows",
    operator(
      "o",
      byUser
        .process({
          state: {},
          onElement(_, { timers, timestampMs }) {
            timers.eventTime(timestampMs + 40);
          },
          *onTimer({ key, firedAtMs }) {
            yield { user: key, count: 1, atMs: firedAtMs };
            if (firedAtMs % 10 === 7) throw new Error("seven");
          },
        })
        .keyBy(({ atMs }) => `${atMs % 3}`, { name: "by-third" })
        .window(tumbling(milliseconds(100)))
        .sum(({ count }) => count)
        .map(toResult)
        .to(results),
    ),
  ],
];

const counted = byUser
  .window(tumbling(milliseconds(100)))
  .count()
  .map(toResult);

/** Five users in turn; the last click is so late in time that it ends everything before it at once. */
const CLICKS = [
  ...Array.from({ length: 18 }, (_, i) => [`u${(i * 7) % 5}`, 1_000 + i * 13] as const),
  ["u9", 9_000] as const,
];

async function write(broker: Pick<MemoryBroker, "produce">): Promise<void> {
  const records = CLICKS.map(([user, timestampMs]) => ({
    key: null,
    value: new TextEncoder().encode(JSON.stringify({ user })),
    timestampMs,
    headers: [],
  }));
  await broker.produce([{ topic: "clicks", partition: 0, records }]);
}

const sorted = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).sort();

async function readOnce(broker: MemoryBroker): Promise<string[]> {
  const records = await readTopic(broker, results);
  return sorted([...new Map(records.map(({ identity, value }) => [JSON.stringify(identity), value])).values()]);
}

describe.each(OPERATORS)("%s", (_, handler) => {
  const inOneCommit = async () => {
    await using driver = await testDriver(handler, { batchSize: 8 });
    await driver.send(clicks, ...CLICKS.map(([user, ms]) => at(ms, { user })));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    return sorted(await driver.read(results));
  };

  test.each<[CallFault, boolean]>([
    ["crash-before", false],
    ["crash-after", false],
    ["lost-reply", false],
    ["crash-after", true],
  ])(
    "give what they give in one commit: %s at each call in turn (every batch in a new environment: %s)",
    { timeout: 60_000 },
    async (fault, always) => {
      const expected = await inOneCommit();
      const job = {
        operators: [handler],
        topology: buildTopology("test", [handler.definition]),
        commitLimits: { ...COMMIT_LIMITS, resultsMax: 2 },
        write,
        check: async (broker: MemoryBroker) => expect(await readOnce(broker)).toEqual(expected),
      };
      expect(await runWithEachCallFailing(job, fault, always)).toBeGreaterThan(20);
    },
  );
});

describe("a watermark that ends more windows than a commit holds", () => {
  const twoSteps = operator(
    "two",
    byUser
      .window(tumbling(milliseconds(100)))
      .count()
      .map(toResult)
      .keyBy(() => "all", { name: "all" })
      .window(tumbling(milliseconds(100)))
      .sum(({ count }) => count)
      .map(toResult)
      .to(results),
  );

  const fill = async (limits: World["commitLimits"]) => {
    const world = await new World([twoSteps]).createTopics();
    world.commitLimits = limits;
    await write(world.broker);
    const environment = world.environment();
    await environment.deliver("clicks", 0);
    await environment.deliver("two--by-key", 0);
    return { world, environment };
  };
  const bundlesOf = async (world: World) =>
    (await world.read("two--all")).map(({ value }) => decodeBundle(value as Uint8Array));

  test("reaches the next function with the last of their results, not before", async () => {
    const { world, environment } = await fill({ ...COMMIT_LIMITS, resultsMax: 2 });
    const bundles = await bundlesOf(world);
    expect(bundles.length).toBeGreaterThan(5);
    expect(new Set(bundles.slice(0, -1).map(({ watermarkMs }) => watermarkMs))).toEqual(
      new Set([Number.NEGATIVE_INFINITY]),
    );
    expect(bundles.at(-1)?.watermarkMs).toBe(9_000 - 31);
    expect(bundles.map(({ number }) => number)).toEqual(bundles.map((_, i) => i + 1));
    await environment.deliver("two--all", 0);
    expect(world.reports.reduce((sum, { late }) => sum + late, 0)).toBe(0);
  });

  test("fires them by commits of so many bytes, too", async () => {
    const { world } = await fill({ ...COMMIT_LIMITS, resultsMax: 1_000, bytesMax: 1 });
    // Nothing goes to a topic here: what crosses a shuffle is counted by results.
    expect((await bundlesOf(world)).length).toBe(1);
    const direct = await new World([OPERATORS[0]?.[1] as Operator]).createTopics();
    direct.commitLimits = { ...COMMIT_LIMITS, resultsMax: 1_000, bytesMax: 1 };
    await write(direct.broker);
    await direct.environment().deliver("clicks", 0);
    await direct.environment().deliver("o--by-key", 0);
    const written = (await readOnce(direct.broker)).length;
    expect(written).toBeGreaterThan(5);
    // One commit for each result, and one for the watermark behind the last.
    expect(await direct.head("o--by-key")).toBeGreaterThanOrEqual(written);
  });

  test.each<[string, Operator]>([
    [
      "rows",
      operator(
        "o",
        counted.to(
          dynamoTable<Result>("counts", {
            partitionKey: { name: "pk", value: ({ user }) => user },
            sortKey: { name: "sk", type: "number", value: ({ atMs }) => atMs },
          }),
        ),
      ),
    ],
    ["elements for sinks", operator("o", counted.to(sink("counts", { write: async () => undefined })))],
  ])("counts the bytes of %s as well", async (_, handler) => {
    const commitsOf = async (bytesMax: number) => {
      const world = await new World([handler]).createTopics();
      world.commitLimits = { ...COMMIT_LIMITS, resultsMax: 1_000, bytesMax };
      await write(world.broker);
      await world.environment().deliver("clicks", 0);
      await world.environment().deliver("o--by-key", 0);
      return (await world.head("o--by-key")) as number;
    };
    expect(await commitsOf(1_000_000)).toBe(1);
    expect(await commitsOf(1)).toBeGreaterThan(5);
  });

  test("lets no more partial matches of patterns time out than that", async () => {
    const patterns = OPERATORS.find(([kind]) => kind === "patterns")?.[1] as Operator;
    const commitsOf = async (resultsMax: number) => {
      const world = await new World([patterns]).createTopics();
      world.commitLimits = { ...COMMIT_LIMITS, resultsMax };
      await write(world.broker);
      await world.environment().deliver("clicks", 0);
      await world.environment().deliver("o--by-key", 0);
      return world.head("o--by-key");
    };
    const atOnce = (await commitsOf(1_000)) as number;
    // The elements are matched with the first; then comes one for each of five users.
    expect(await commitsOf(2)).toBeGreaterThanOrEqual(atOnce + 4);
  });

  test("asks for a tick until all have fired, and no longer", async () => {
    const { world } = await fill({ ...COMMIT_LIMITS, resultsMax: 2 });
    const wakes = world.reports.length;
    expect(wakes).toBeGreaterThan(5);
    const [slot] = (
      await world.log.readEntries((await world.log.tasks()).find(({ task }) => task.includes("by-key"))?.task as string)
    ).slice(-1);
    expect(slot?.wakeAtMs).toBe(null);
  });
});
