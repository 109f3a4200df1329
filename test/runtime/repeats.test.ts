/** O2, O3 on declared topics: a reader of what Millrace writes drops repeats by identity, wherever batches begin and end. */

import { json, operator, stream, text, topic } from "millrace";
import { describe, expect, test } from "vitest";
import { MillraceError } from "../../lib/stream/error.ts";
import { identityHeader } from "../../lib/wire/identity.ts";
import { type Environment, World } from "./environments.ts";

const lines = topic("lines", { value: text() });
const words = topic("words", { value: text() });
const totals = topic("totals", { value: json<number>() });

const split = stream(lines).flatMap((line) => line.split(" "));
/** Without state: outputs are identified by the input's offset. */
const stateless = operator("splitting", split.to(words));
/** With a log: outputs are identified by the commit. */
const stateful = operator(
  "splitting",
  split
    .keyBy((w) => w)
    .count()
    .map(({ key, value }) => `${key}${value}`)
    .to(words),
);
const counting = operator(
  "counting",
  stream(words)
    .keyBy(() => "all")
    .count()
    .to(totals.from(({ value }) => value)),
);

/** Lets everything in the shuffle of the counting operator be processed; how many words it has counted. */
async function countedWords(world: World): Promise<number> {
  await world.environment().deliver("counting--by-key", 0);
  return Math.max(...(await world.texts("totals")).map(Number));
}

const duplicatesOf = (world: World) =>
  world.reports.filter(({ functionName }) => functionName === "counting").reduce((sum, r) => sum + r.duplicates, 0);

/** An environment whose sends take effect, but which never hears of it. */
const deaf = (world: World): Environment =>
  world.environment({
    broker: {
      produce: async (batches) => {
        await world.broker.produce(batches);
        throw new MillraceError("kafka", "no reply");
      },
    },
  });

describe.each([
  ["a stateless operator", stateless, "lines"],
  ["an operator with state", stateful, "splitting--by-key"],
])("repeats of %s", (_, writer, input) => {
  /** Six words, and then the same six again. */
  async function twice(): Promise<World> {
    const world = await new World([writer, counting]).createTopics();
    await world.write("lines", { value: "a b c" }, { value: "d e f" });
    if (writer === stateful) await world.environment().deliver("lines", 0);
    await expect(deaf(world).deliver(input, 0)).rejects.toThrow("no reply");
    await world.environment().deliver(input, 0);
    const written = await world.texts("words");
    expect(written).toHaveLength(12);
    expect(written.slice(6)).toEqual(written.slice(0, 6));
    return world;
  }

  test("are dropped within a batch", async () => {
    const world = await twice();
    await world.environment().deliver("words", 0);
    expect(await countedWords(world)).toBe(6);
    expect(duplicatesOf(world)).toBe(6);
  });

  // Batches end inside a commit, before it, between it and its repeat, and inside of the repeat.
  test.each([1, 2, 4, 5, 6, 7, 10])("are dropped where batches have %i records, also over restarts", async (size) => {
    const world = await twice();
    for (let from = 0; from < 12; from += size) await world.environment().deliver("words", from, from + size);
    expect(await countedWords(world)).toBe(6);
    expect(duplicatesOf(world)).toBe(6);
  });
});

describe("the identity of a stateless operator's output", () => {
  test("is that of its input, however the input is cut into batches", async () => {
    const identities = async (...cuts: [number, number][]) => {
      const world = await new World([stateless, counting]).createTopics();
      await world.write("lines", { value: "a b c" }, { value: "d" }, { value: "e f" });
      for (const [from, to] of cuts) await world.environment().deliver("lines", from, to);
      return (await world.read("words")).map(({ identity, value }) => [
        new TextDecoder().decode(value),
        identity?.task,
        identity?.sequenceNumber,
        identity?.index,
      ]);
    };
    const whole = await identities([0, 3]);
    expect(whole).toEqual([
      ["a", "test/splitting/lines-0", 0, 0],
      ["b", "test/splitting/lines-0", 0, 1],
      ["c", "test/splitting/lines-0", 0, 2],
      ["d", "test/splitting/lines-0", 1, 0],
      ["e", "test/splitting/lines-0", 2, 0],
      ["f", "test/splitting/lines-0", 2, 1],
    ]);
    expect(await identities([0, 1], [1, 2], [2, 3])).toEqual(whole);
    expect(await identities([0, 2], [2, 3])).toEqual(whole);
  });

  test("counts dead letters as outputs, so that they are told apart when they are repeated", async () => {
    const failing = operator(
      "failing",
      stream(lines)
        .map((line) => {
          if (line === "bad") throw new Error("bad");
          return line;
        })
        .to(words),
    );
    const world = await new World([failing]).createTopics();
    await world.write("lines", { value: "a" }, { value: "bad" }, { value: "bad" });
    await expect(deaf(world).deliver("lines", 0)).rejects.toThrow("no reply");
    await world.environment().deliver("lines", 0);
    const letters = await world.read("failing--dead-letters");
    expect(letters).toHaveLength(4);
    expect(new Set(letters.map(({ identity }) => JSON.stringify(identity))).size).toBe(2);
  });
});

describe("dead letters of an operator with a log", () => {
  test("appear once although the batch is processed several times", async () => {
    const failing = operator(
      "failing",
      split
        .map((w) => {
          if (w === "bad") throw new Error("bad");
          return w;
        })
        .keyBy((w) => w)
        .count()
        .to(totals.from(({ value }) => value)),
    );
    const world = await new World([failing]).createTopics();
    await world.write("lines", { value: "a" }, { value: "x bad" }, { value: "b" });
    await world.environment().deliver("lines", 0, 2);
    await world.environment().deliver("lines", 0);
    await world.environment().deliver("lines", 0);
    const identities = (await world.read("failing--dead-letters")).map(({ identity }) => JSON.stringify(identity));
    expect(new Set(identities).size).toBe(1);
    await world.environment().deliver("failing--by-key", 0);
    expect(await world.texts("totals")).toEqual(["1", "1"]);
  });
});

describe("identities in a topic", () => {
  test("of records that strangers wrote without one are not asked for", async () => {
    const world = await new World([stateless, counting]).createTopics();
    await world.write("words", { value: "x" }, { value: "x" });
    await world.environment().deliver("words", 0);
    expect(await countedWords(world)).toBe(2);
  });

  test("mean nothing in a topic that no operator here writes", async () => {
    const world = await new World([counting]).createTopics();
    const headers = [identityHeader("other/app/t-0/0", 1, 0)];
    await world.write("words", { value: "x", headers }, { value: "y", headers });
    await world.environment().deliver("words", 0);
    expect(await countedWords(world)).toBe(2);
  });

  test("of two writers of a topic are apart, and a later generation begins anew", async () => {
    const world = await new World([stateless, counting]).createTopics();
    const from = (task: string, commit: number, index: number) => ({
      value: "x",
      headers: [identityHeader(task, commit, index)],
    });
    await world.write(
      "words",
      from("test/splitting/lines-0/0", 5, 0),
      from("test/splitting/lines-1/0", 1, 0),
      from("test/splitting/lines-0/0", 4, 9),
      from("test/splitting/lines-0/1", 1, 0),
      from("test/splitting/lines-0/0", 6, 0),
    );
    await world.environment().deliver("words", 0);
    expect(await countedWords(world)).toBe(3);
    expect(duplicatesOf(world)).toBe(2);
  });
});
