/** The order of commit and emission: L5, L8, L9, O2 and O5, with ports that fail at the worst moment. */

import { json, operator, stream, text, topic } from "millrace";
import { describe, expect, test } from "vitest";
import { MillraceError } from "../../lib/stream/error.ts";
import { World } from "./environments.ts";

const words = topic("words", { key: text(), value: text() });
const totals = topic("totals", { key: text(), value: json<number>() });

/** One function with a log: the n-th word of a key writes n. */
const counting = operator(
  "counting",
  stream(words)
    .keyedByTopicKey()
    .count()
    .to(totals.from(({ value }) => value)),
);

const word = { key: "k", value: "w" };

async function worldOf(n: number): Promise<World> {
  const world = await new World([counting]).createTopics();
  await world.write("words", ...Array.from({ length: n }, () => word));
  return world;
}

const crash = async (): Promise<never> => {
  throw new MillraceError("kafka", "crashed");
};

describe("O2: a commit that was not emitted is emitted by whoever comes next, byte by byte the same", () => {
  /** What an undisturbed run writes for the first batch. */
  async function undisturbed() {
    const world = await worldOf(2);
    await world.environment().deliver("words", 0);
    return world.read("totals");
  }

  test("when the same batch is delivered again, of which nothing is new", async () => {
    const world = await worldOf(2);
    await expect(world.environment({ broker: { produce: crash } }).deliver("words", 0)).rejects.toThrow("crashed");
    expect(await world.read("totals")).toEqual([]);
    await world.environment().deliver("words", 0);
    expect(await world.read("totals")).toEqual(await undisturbed());
    expect(await world.head("words")).toBe(1);
  });

  test("when nothing but a tick comes", async () => {
    const world = await worldOf(2);
    await expect(world.environment({ broker: { produce: crash } }).deliver("words", 0)).rejects.toThrow("crashed");
    await world.environment().tick("words");
    expect(await world.read("totals")).toEqual(await undisturbed());
  });

  test("when the next batch comes, before its own outputs (O1)", async () => {
    const world = await worldOf(3);
    await expect(world.environment({ broker: { produce: crash } }).deliver("words", 0, 2)).rejects.toThrow("crashed");
    await world.environment().deliver("words", 2);
    expect((await world.read("totals")).slice(0, 2)).toEqual(await undisturbed());
    expect(await world.texts("totals")).toEqual(["1", "2", "3"]);
  });

  test("by the same environment as by another", async () => {
    const world = await worldOf(2);
    let calls = 0;
    const environment = world.environment({
      broker: { produce: (batches) => (++calls === 1 ? crash() : world.broker.produce(batches)) },
    });
    await expect(environment.deliver("words", 0)).rejects.toThrow("crashed");
    await environment.deliver("words", 0);
    expect(await world.read("totals")).toEqual(await undisturbed());
  });

  test("as a repeat with the same identity, where only the reply was lost", async () => {
    const world = await worldOf(2);
    const replyLost = world.environment({
      broker: {
        produce: async (batches) => {
          await world.broker.produce(batches);
          return crash();
        },
      },
    });
    await expect(replyLost.deliver("words", 0)).rejects.toThrow("crashed");
    await world.environment().deliver("words", 0);
    const [first, second, ...repeats] = await world.read("totals");
    const content = (element: typeof first) => ({ ...element, identity: element?.identity, offset: undefined });
    expect(repeats.map(content)).toEqual([content(first), content(second)]);
  });

  test("also for a bundle, whose number does not change", async () => {
    const shuffling = operator(
      "shuffling",
      stream(words)
        .keyBy((w) => w)
        .count()
        .to(totals.from(({ value }) => value)),
    );
    const world = await new World([shuffling]).createTopics();
    await world.write("words", word, word);
    const replyLost = world.environment({
      broker: {
        produce: async (batches) => {
          await world.broker.produce(batches);
          return crash();
        },
      },
    });
    await expect(replyLost.deliver("words", 0)).rejects.toThrow("crashed");
    await world.environment().deliver("words", 0);
    const [first, second, ...others] = await world.read("shuffling--by-key");
    expect(others).toEqual([]);
    expect(second?.value).toEqual(first?.value);
    await world.environment().deliver("shuffling--by-key", 0);
    expect(await world.texts("totals")).toEqual(["1", "2"]);
    expect(world.reports.at(-1)).toMatchObject({ duplicates: 1, records: 2 });
  });
});

describe("L5: nothing is emitted that was not seen in the log", () => {
  test("emission begins after the entry is stored", async () => {
    const world = await worldOf(2);
    const order: string[] = [];
    const environment = world.environment({
      broker: {
        produce: (batches) => {
          order.push("produce");
          return world.broker.produce(batches);
        },
      },
      stateLog: {
        putEntry: async (task, entry) => {
          order.push("put");
          const result = await world.log.putEntry(task, entry);
          order.push(result.kind);
          return result;
        },
      },
    });
    await environment.deliver("words", 0);
    expect(order).toEqual(["put", "stored", "produce"]);
  });

  test("without an answer from the store nothing is emitted, and the batch comes again", async () => {
    const world = await worldOf(2);
    const unreachable = world.environment({
      stateLog: { putEntry: () => Promise.reject(new MillraceError("state-store", "no answer")) },
    });
    await expect(unreachable.deliver("words", 0)).rejects.toThrow("no answer");
    expect(await world.read("totals")).toEqual([]);
    await world.environment().deliver("words", 0);
    expect(await world.texts("totals")).toEqual(["1", "2"]);
  });

  test("L4: an entry whose reply was lost is recognised, and emitted once", async () => {
    const world = await worldOf(2);
    let calls = 0;
    const environment = world.environment({
      stateLog: {
        putEntry: async (task, entry) => {
          const result = await world.log.putEntry(task, entry);
          if (++calls === 1) throw new MillraceError("state-store", "reply lost");
          return result;
        },
      },
    });
    await environment.deliver("words", 0);
    expect(await world.texts("totals")).toEqual(["1", "2"]);
    expect(await world.head("words")).toBe(1);
  });
});

describe("L9, O5: commit n + 1 waits until n is acknowledged", () => {
  test("while emission fails, nothing more is committed", async () => {
    const world = await worldOf(3);
    let isDown = true;
    const environment = world.environment({
      broker: { produce: (batches) => (isDown ? crash() : world.broker.produce(batches)) },
    });
    await expect(environment.deliver("words", 0, 1)).rejects.toThrow("crashed");
    await expect(environment.deliver("words", 1, 2)).rejects.toThrow("crashed");
    await expect(environment.tick("words")).rejects.toThrow("crashed");
    await expect(world.environment({ broker: { produce: crash } }).deliver("words", 1)).rejects.toThrow("crashed");
    expect(await world.head("words")).toBe(1);
    isDown = false;
    await environment.deliver("words", 1);
    expect(await world.head("words")).toBe(2);
    expect(await world.texts("totals")).toEqual(["1", "2", "3"]);
  });
});

describe("L8: whoever loses the race", () => {
  /** An environment before whose first append `rival` runs. */
  function overtaken(world: World, rival: () => Promise<unknown>, emitted: string[] = []) {
    let calls = 0;
    return world.environment({
      stateLog: {
        putEntry: async (task, entry) => {
          if (++calls === 1) await rival();
          return world.log.putEntry(task, entry);
        },
      },
      broker: {
        produce: (batches) => {
          for (const { records } of batches)
            emitted.push(...records.map(({ value }) => new TextDecoder().decode(value as Uint8Array)));
          return world.broker.produce(batches);
        },
      },
    });
  }

  test("emits nothing of what it decided, reloads, and finds nothing left to do", async () => {
    const world = await worldOf(2);
    await overtaken(world, () => world.environment().deliver("words", 0)).deliver("words", 0);
    expect(await world.head("words")).toBe(1);
    const identities = (await world.read("totals")).map(({ identity }) => JSON.stringify(identity));
    expect(new Set(identities).size).toBe(2);
  });

  test("decides afresh on the winner's state, for what the winner left", async () => {
    const world = await worldOf(3);
    const emitted: string[] = [];
    await overtaken(world, () => world.environment().deliver("words", 0, 2), emitted).deliver("words", 0);
    // First the winner's outputs, which it does not know to be acknowledged (L9), then its own.
    expect(emitted).toEqual(["1", "2", "3"]);
    expect(await world.head("words")).toBe(2);
    expect(world.reports.map(({ sequenceNumber, records }) => [sequenceNumber, records])).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });

  test("with a warm cache that is behind notices it by the conditional write", async () => {
    const world = await worldOf(4);
    const zombie = world.environment();
    await zombie.deliver("words", 0, 1);
    await world.environment().deliver("words", 1, 3);
    // The zombie's cache ends where this batch begins, so that it looks current.
    await zombie.deliver("words", 1);
    const values = new Map((await world.read("totals")).map((e) => [JSON.stringify(e.identity), `${e.value}`]));
    expect([...values.values()].map((bytes) => String.fromCharCode(Number(bytes)))).toEqual(["1", "2", "3", "4"]);
  });

  test("again and again gives up with a sentence, and loses nothing", async () => {
    const world = await worldOf(20);
    let next = 0;
    const unlucky = world.environment({
      stateLog: {
        putEntry: async (task, entry) => {
          await world.environment().deliver("words", next, ++next);
          return world.log.putEntry(task, entry);
        },
      },
    });
    await expect(unlucky.deliver("words", 0)).rejects.toThrow(/lost its race 6 times in a row/);
    await world.environment().deliver("words", next);
    const identities = new Set((await world.read("totals")).map(({ identity }) => JSON.stringify(identity)));
    expect(identities.size).toBe(20);
  });
});

describe("a topic that is written exactly once", () => {
  const once = topic("once", { value: json<number>(), exactlyOnce: true });
  const writing = operator("writing", stream(words).to(once.from((w) => w.length)));

  test("has no repeats, even where the reply was lost and all is emitted again", async () => {
    const world = await new World([writing]).createTopics();
    await world.write("words", word, word);
    const replyLost = world.environment({
      broker: {
        produceExactlyOnce: async (batches, id) => {
          await world.broker.produceExactlyOnce(batches, id);
          return crash();
        },
      },
    });
    await expect(replyLost.deliver("words", 0)).rejects.toThrow("crashed");
    await world.environment().deliver("words", 0);
    await world.environment().tick("words");
    expect(await world.texts("once")).toEqual(["1", "1"]);
  });
});
