/**
 * Large bundles are sent before their commit, which holds only where they stand. L5: they count for nobody before it releases them. O2, O3: releases are repeated, counted and
 * missed as bundles are.
 */

import { createHash } from "node:crypto";
import { json, monotonic, operator, stream, text, topic } from "millrace";
import { beforeEach, describe, expect, test } from "vitest";
import type { Broker } from "../../lib/kafka/broker.ts";
import type { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { readTopic } from "../../lib/local/read-topic.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { decodeRelease, encodeRelease, isPrepared } from "../../lib/wire/sent-ahead.ts";
import { type Environment, World } from "./environments.ts";
import { type Job, runWithEachCallFailing } from "./faulty-run.ts";

const words = topic("words", { value: text(), watermark: monotonic() });
const totals = topic("totals", { value: json<string>() });
const BAD = "bad";

const counting = operator(
  "counting",
  stream(words)
    .keyBy((word) => word.slice(0, 3))
    .count()
    .to(
      totals.from(({ key, value }) => {
        if (key === BAD) throw new Error("a bad word");
        return `${key} ${value}`;
      }),
    ),
);
const SHUFFLE = "counting--by-key";

/** Text that no compression makes short. */
const long = (name: string, bytes = 6_000) =>
  name + createHash("shake256", { outputLength: bytes }).update(name).digest("base64");

let world: World;
let environment: Environment;

beforeEach(async () => {
  world = await new World([counting]).createTopics();
  environment = world.environment();
});

/** What stands in the shuffle, as letters: prepared, release, bundle. */
async function shuffle(): Promise<string> {
  return (await world.read(SHUFFLE))
    .map(({ value }) => (isPrepared(value) ? "p" : decodeRelease(value) === undefined ? "b" : "r"))
    .join("");
}

const say = (...said: readonly string[]) => world.write("words", ...said.map((value) => ({ value })));
/** What was counted, without the repeats that a new environment sends. */
const heard = async () => [...new Set((await world.texts("totals")).map((value) => JSON.parse(value) as string))];

/** An environment whose broker counts what is fetched of the shuffle. */
function counted(changes: Partial<Broker> = {}) {
  let fetches = 0;
  const fetch: Broker["fetch"] = (name, ...where) => {
    if (name === SHUFFLE) fetches++;
    return world.broker.fetch(name, ...where);
  };
  return { environment: world.environment({ broker: { fetch, ...changes } }), fetches: () => fetches };
}

describe("a commit with large bundles", () => {
  test("holds where they stand, and not their bytes", async () => {
    const entries: { readonly bytes: number; readonly before: string }[] = [];
    const watched = world.environment({
      stateLog: {
        putEntry: async (task, entry) => {
          entries.push({ bytes: entry.outputs.length, before: await shuffle() });
          return world.log.putEntry(task, entry);
        },
      },
    });
    await say(long("one"));
    await watched.deliver("words", 0);
    expect(entries).toEqual([{ bytes: expect.any(Number), before: "p" }]);
    expect(entries[0]?.bytes).toBeLessThan(300);
    expect(await shuffle()).toBe("pr");
    await watched.deliver(SHUFFLE, 0);
    expect(await heard()).toEqual(["one 1"]);
  });

  test("that is small goes as it is", async () => {
    await say("one", "two");
    await environment.deliver("words", 0);
    expect(await shuffle()).toBe("b");
  });

  test("L5: that never comes leaves nothing that counts", async () => {
    await say(long("one"));
    let failures = 1;
    const failing = world.environment({
      stateLog: {
        putEntry: (task, entry) =>
          failures-- > 0 ? Promise.reject(new Error("the store is gone")) : world.log.putEntry(task, entry),
      },
    });
    await expect(failing.deliver("words", 0)).rejects.toThrow("the store is gone");
    await environment.deliver(SHUFFLE, 0);
    await say(long("two"));
    await failing.deliver("words", 0);
    expect(await shuffle()).toBe("ppr");
    await environment.deliver(SHUFFLE, 1);
    expect(await heard()).toEqual(["one 1", "two 1"]);
  });

  test("L9, O2: is settled by its releases alone, byte by byte", async () => {
    await say(long("one"));
    const dying = world.environment({
      broker: {
        produce: async (batches) => {
          const offsets = await world.broker.produce(batches);
          if ((await shuffle()).endsWith("r")) throw new Error("crashed");
          return offsets;
        },
      },
    });
    await expect(dying.deliver("words", 0)).rejects.toThrow("crashed");
    await world.environment().deliver("words", 0);
    expect(await shuffle()).toBe("prr");
    const [, first, second] = await world.read(SHUFFLE);
    expect(second?.value).toEqual(first?.value);
    await environment.deliver(SHUFFLE, 0);
    expect(await heard()).toEqual(["one 1"]);
  });

  test("sends it again where nobody knows whether it arrived", async () => {
    await say(long("one"));
    let failures = 1;
    const unsure = world.environment({
      broker: {
        produce: async (batches) => {
          const offsets = await world.broker.produce(batches);
          if (failures-- > 0) throw new Error("no answer");
          return offsets;
        },
      },
    });
    await expect(unsure.deliver("words", 0)).rejects.toThrow("no answer");
    await unsure.deliver("words", 0);
    expect(await shuffle()).toBe("ppr");
    const released = decodeRelease((await world.read(SHUFFLE))[2]?.value ?? null);
    expect(released?.offset).toBe(1);
  });
});

describe("who reads what was sent ahead", () => {
  beforeEach(async () => {
    await say(long("one"));
    await environment.deliver("words", 0);
    await say(long("two"));
    await environment.deliver("words", 1);
    expect(await shuffle()).toBe("prpr");
  });

  test("commits nothing for it alone, and remembers it", async () => {
    const reader = counted();
    await reader.environment.deliver(SHUFFLE, 0, 2);
    const head = await world.head(SHUFFLE);
    await reader.environment.deliver(SHUFFLE, 2, 3);
    expect(await world.head(SHUFFLE)).toBe(head);
    await reader.environment.deliver(SHUFFLE, 3, 4);
    expect(await world.head(SHUFFLE)).toBe(head + 1);
    expect(await heard()).toEqual(["one 1", "two 1"]);
    expect(reader.fetches()).toBe(0);
  });

  test("reads it again in a new environment", async () => {
    await counted().environment.deliver(SHUFFLE, 0, 2);
    await counted().environment.deliver(SHUFFLE, 2, 3);
    const reader = counted();
    await reader.environment.deliver(SHUFFLE, 3, 4);
    expect(await heard()).toEqual(["one 1", "two 1"]);
    expect(reader.fetches()).toBe(1);
  });

  test("fetches it where the checkpoint has passed it", async () => {
    await counted().environment.deliver(SHUFFLE, 0, 3);
    const reader = counted();
    await reader.environment.deliver(SHUFFLE, 3, 4);
    expect(await heard()).toEqual(["one 1", "two 1"]);
    expect(reader.fetches()).toBe(1);
  });

  test("takes it once, however often and whence it is delivered", async () => {
    for (const [from, to] of [
      [0, 2],
      [1, 4],
      [0, 4],
      [3, 4],
      [2, 3],
      [0, 1],
    ] as const) {
      await environment.deliver(SHUFFLE, from, to);
      await world.environment().deliver(SHUFFLE, from, to);
    }
    expect(await heard()).toEqual(["one 1", "two 1"]);
  });

  test("O3: stops where it is gone before it was read", async () => {
    await environment.deliver(SHUFFLE, 0, 3);
    await world.broker.deleteRecords(SHUFFLE, 0, 3);
    await expect(world.environment().deliver(SHUFFLE, 3)).rejects.toThrow(
      'Topic "counting--by-key", partition 0 has no offset 2',
    );
    expect(await heard()).toEqual(["one 1"]);
  });

  test("O3: does not need it for a repeat", async () => {
    await environment.deliver(SHUFFLE, 0);
    const [, release] = await world.read(SHUFFLE);
    await world.broker.deleteRecords(SHUFFLE, 0, 3);
    await world.broker.produce([
      { topic: SHUFFLE, partition: 0, records: [{ key: null, value: release!.value, timestampMs: 0, headers: [] }] },
    ]);
    await world.environment().deliver(SHUFFLE, 4);
    expect(world.reports.at(-1)).toMatchObject({ duplicates: 1, checkpoint: 4 });
  });

  test("O3: does not take for it what another attempt has sent ahead", async () => {
    await environment.deliver(SHUFFLE, 0, 2);
    const [, , , release] = await world.read(SHUFFLE);
    const value = encodeRelease({ ...decodeRelease(release!.value)!, offset: 0 });
    await world.broker.produce([
      { topic: SHUFFLE, partition: 0, records: [{ key: null, value, timestampMs: 0, headers: [] }] },
    ]);
    await expect(environment.deliver(SHUFFLE, 4)).rejects.toThrow(
      "Shuffle counting--by-key-0 lacks bundle 2 of counting/words-0 at offset 0, where it was sent before its commit",
    );
  });

  test("O3: stops at a gap between releases", async () => {
    await world.broker.deleteRecords(SHUFFLE, 0, 2);
    await expect(environment.deliver(SHUFFLE, 2)).rejects.toThrow(
      "Shuffle counting--by-key-0 lacks bundles 1 to 1 of counting/words-0 before offset 3",
    );
  });
});

test("an element that throws names the offset at which it stands", async () => {
  await say(long("one"), BAD + long("x"));
  await environment.deliver("words", 0);
  await environment.deliver(SHUFFLE, 0);
  const [letter, ...others] = await world.read("counting--dead-letters");
  expect(others).toEqual([]);
  const headers = new Map(letter!.headers.map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]));
  expect(headers.get("millrace-offset")).toBe("0:1");
  expect(await heard()).toEqual(["one 1"]);
});

test("a hole that holds more than one fetch of what was sent ahead is gone through", async () => {
  const value = long("big", 700_000);
  let failures = 7;
  await say(value);
  const failing = world.environment({
    stateLog: {
      putEntry: (task, entry) =>
        failures-- > 0 ? Promise.reject(new Error("the store is gone")) : world.log.putEntry(task, entry),
    },
  });
  while (failures > 0) await expect(failing.deliver("words", 0)).rejects.toThrow("the store is gone");
  await say("two");
  await environment.deliver("words", 0, 1);
  await environment.deliver("words", 1);
  const all = await shuffle();
  expect(all).toBe("pppppppprb");
  await environment.deliver(SHUFFLE, 0, 1);
  await world.environment().deliver(SHUFFLE, all.length - 1);
  expect(await heard()).toEqual(["big 1", "two 1"]);
});

const job: Job = {
  operators: [counting],
  topology: buildTopology("test", [counting.definition], () => 2),
  write: async (broker: MemoryBroker) => {
    const said = ["one", "two", "one", "six", "two", "one", "ten", "six", "two", "one"];
    const records = said.map((word, i) => ({
      key: null,
      value: new TextEncoder().encode(long(`${word} ${i} `, i % 3 === 0 ? 20 : 3_000)),
      timestampMs: i,
      headers: [],
    }));
    await broker.produce([0, 1].map((partition) => ({ topic: "words", partition, records })));
    expect(await broker.offsets("words")).toHaveLength(2);
  },
  check: async (broker: MemoryBroker) => {
    const counts = new Map<string, number>();
    for (const { value } of await readTopic(broker, { topicName: "totals" })) {
      const [word, n] = (JSON.parse(new TextDecoder().decode(value as Uint8Array)) as string).split(" ");
      counts.set(word as string, Math.max(counts.get(word as string) ?? 0, Number(n)));
    }
    expect(Object.fromEntries(counts)).toEqual({ one: 8, two: 6, six: 4, ten: 2 });
  },
};

test.each([
  ["crash-before", false],
  ["crash-after", false],
  ["lost-reply", false],
  ["crash-after", true],
] as const)(
  "%s at each call in turn changes nothing (every batch in a new environment: %s)",
  { timeout: 60_000 },
  async (fault, always) => {
    expect(await runWithEachCallFailing(job, fault, always)).toBeGreaterThan(20);
  },
);
