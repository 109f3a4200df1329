/** sink(): elements for whatever takes batches, at least once, in order, under ids that stay the same. */

import {
  at,
  type DeadLetter,
  json,
  milliseconds,
  operator,
  type SinkElement,
  secret,
  setting,
  sink,
  stream,
  testDriver,
  topic,
} from "millrace";
import { describe, expect, test } from "vitest";
import { decodeOutbox, encodeOutbox } from "../../lib/runtime/outbox.ts";
import { toDescription, toText } from "../../lib/stream/describe.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { World } from "./environments.ts";

type Order = { readonly id: string; readonly cents: number };

const orders = topic("orders", { value: json<Order>() });
const copies = topic("copies", { value: json<Order>() });

const order = (id: string, cents = 1): Order => ({ id, cents });

/** What a sink was given, batch by batch, as the ids of the orders. */
type Given = { readonly batches: string[][]; readonly attempts: number[]; readonly elements: SinkElement<Order>[] };

function newGiven(): Given {
  return { batches: [], attempts: [], elements: [] };
}

/** An operator whose sink remembers what it is given, then does what `then` says. */
function remembering(
  then: (batch: readonly SinkElement<Order>[]) => unknown = () => undefined,
  options: { readonly batchSize?: number } = {},
) {
  const given = newGiven();
  const remember = sink("remember", {
    ...options,
    write: async (batch: readonly SinkElement<Order>[], { attempt }) => {
      given.batches.push(batch.map(({ value }) => value.id));
      given.attempts.push(attempt);
      given.elements.push(...batch);
      return then(batch) as undefined;
    },
  });
  const handler = operator("give", stream(orders).to(remember), stream(orders).to(copies));
  return { given, remember, handler };
}

describe("a sink", () => {
  test.each([false, true])(
    "is given elements in order, in batches; restarts after every batch: %s",
    async (restart) => {
      const { given, remember, handler } = remembering(undefined, { batchSize: 2 });
      await using driver = await testDriver(handler, { restartAfterEveryBatch: restart });
      await driver.send(orders, order("a"), order("b"), order("c"));
      await driver.send(orders, at(5_000, order("d")));
      // Who is new cannot know that the last commit was taken.
      const repeats = restart ? [["a", "b"], ["c"]] : [];
      expect(given.batches).toEqual([["a", "b"], ["c"], ...repeats, ["d"]]);
      expect(new Set(given.attempts)).toEqual(new Set([1]));
      expect(driver.written(remember).map(({ id }) => id)).toEqual([
        "test/give/orders-0/0:2:3",
        "test/give/orders-0/0:2:4",
        "test/give/orders-0/0:2:5",
        "test/give/orders-0/0:3:1",
      ]);
      expect(given.elements.at(-1)).toEqual({
        id: "test/give/orders-0/0:3:1",
        key: null,
        value: order("d"),
        timestampMs: 5_000,
      });
    },
  );

  test("is given values and keys as they are", async () => {
    const values = [1n, Uint8Array.of(1), -0, undefined, { a: [Number.NaN] }];
    const given: unknown[] = [];
    const take = sink("take", {
      write: async (batch: readonly SinkElement<unknown>[]) => {
        given.push(...batch.map(({ value, key }) => [value, key]));
      },
    });
    const taking = operator(
      "taking",
      stream(orders)
        .keyBy(({ id }) => [id, 1n])
        .map(({ cents }) => values[cents])
        .to(take),
    );
    await using driver = await testDriver(taking);
    await driver.send(orders, ...values.map((_, i) => order("k", i)));
    expect(given).toEqual(values.map((value) => [value, ["k", 1n]]));
  });

  test("is given no element that a commit cannot keep: it is a dead letter", async () => {
    const take = sink("take", { write: async () => {} });
    const taking = operator(
      "taking",
      stream(orders)
        .map(({ cents }) => (cents === 0 ? new Date(0) : cents))
        .to(take),
    );
    await using driver = await testDriver(taking);
    await driver.send(orders, order("a", 0), order("b", 1));
    expect(driver.written(take).map(({ value }) => value)).toEqual([1]);
    expect(await driver.deadLetters(taking)).toMatchObject([
      { step: "sink take", reason: expect.stringContaining("the element is a Date") },
    ]);
  });

  test("opens its client once, from settings and secrets", async () => {
    const seen: unknown[] = [];
    let opened = 0;
    const take = sink("take", {
      uses: { url: setting("TAKE_URL"), key: secret("take/key") },
      open: ({ url, key }) => ({ name: `${url} ${key} ${++opened}` }),
      write: async (_batch: readonly SinkElement<Order>[], { client }) => {
        seen.push(client.name);
      },
    });
    const taking = operator("taking", stream(orders).to(take));
    expect(buildTopology("t", [taking.definition]).functions[0]?.uses).toEqual([
      { kind: "secret", name: "take/key" },
      { kind: "setting", name: "TAKE_URL" },
    ]);
    const environment = { TAKE_URL: "http://take", MILLRACE_SECRET_TAKE_KEY: "k" };
    await using driver = await testDriver(taking, { environment });
    await driver.send(orders, order("a"));
    await driver.send(orders, order("b"));
    expect(seen).toEqual(["http://take k 1", "http://take k 1"]);
    await using without = await testDriver(taking);
    await expect(without.send(orders, order("a"))).rejects.toMatchObject({ code: "setting-missing" });
    without.replaceSink(take);
    await without.send(orders, order("b"));
    expect(without.written(take).map(({ value }) => value.id)).toEqual(["a", "b"]);
  });

  test("that takes too long is told so, and fails", async () => {
    const signals: AbortSignal[] = [];
    const slow = sink("slow", {
      timeout: milliseconds(20),
      write: (_batch: readonly SinkElement<Order>[], { signal }) => {
        signals.push(signal);
        return new Promise<void>(() => {});
      },
    });
    await using driver = await testDriver(operator("slowly", stream(orders).to(slow)));
    await expect(driver.send(orders, order("a"))).rejects.toMatchObject({
      code: "author",
      message:
        'Sink "slow" of task test/slowly/orders-0/0: attempt 1 at 1 elements failed: it took longer than 20 ms; the batch will be delivered again.',
    });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });
});

describe("a write that fails", () => {
  test("is repeated with the same ids before anything else, and what was taken is not given again", async () => {
    let down = false;
    const { given, handler } = remembering(
      (batch) => {
        if (down && batch.some(({ value }) => value.id === "c")) throw new Error("down");
      },
      { batchSize: 2 },
    );
    await using driver = await testDriver(handler);
    down = true;
    await expect(driver.send(orders, order("a"), order("b"), order("c"))).rejects.toThrow("down");
    await expect(driver.send(orders, order("d"))).rejects.toThrow("down");
    down = false;
    await driver.send(orders, order("e"));
    expect(given.batches.slice(0, 4)).toEqual([["a", "b"], ["c"], ["c"], ["c"]]);
    expect(given.batches.slice(4).flat()).toEqual(["d", "e"]);
    expect(given.attempts.slice(0, 4)).toEqual([1, 1, 2, 3]);
    expect(new Set(given.elements.slice(2, 5).map(({ id }) => id)).size).toBe(1);
    // Nor are the other outputs of the commit sent again.
    expect((await driver.readRecords(copies)).map(({ value }) => value.id)).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("in an environment that is gone: the next one repeats all of the commit, with the same ids", async () => {
    let down = true;
    const { given, handler } = remembering(
      (batch) => {
        if (down && batch.some(({ value }) => value.id === "c")) throw new Error("down");
      },
      { batchSize: 2 },
    );
    const world = await new World([handler]).createTopics();
    await world.write("orders", ...["a", "b", "c"].map((id) => ({ value: JSON.stringify(order(id)) })));
    await expect(world.environment().deliver("orders", 0)).rejects.toThrow("down");
    down = false;
    await world.environment().tick("orders");
    expect(given.batches).toEqual([["a", "b"], ["c"], ["a", "b"], ["c"]]);
    const ids = given.elements.map(({ id }) => id);
    expect(ids.slice(0, 3)).toEqual(ids.slice(3));
    expect(await world.head("orders")).toBe(1);
  });

  test("L9: holds back the next commit, also where the batch that failed does not come again", async () => {
    let down = true;
    const { handler } = remembering(() => {
      if (down) throw new Error("down");
    });
    const world = await new World([handler]).createTopics();
    await world.write("orders", ...["a", "b"].map((id) => ({ value: JSON.stringify(order(id)) })));
    await expect(world.environment().deliver("orders", 0, 1)).rejects.toThrow("down");
    await expect(world.environment().deliver("orders", 1)).rejects.toThrow("down");
    expect(await world.head("orders")).toBe(1);
    down = false;
    await world.environment().deliver("orders", 1);
    expect(await world.head("orders")).toBe(2);
  });
});

describe("an element that a sink refuses", () => {
  const refusing = (isRefused: (order: Order) => boolean) =>
    remembering((batch) => ({
      refused: batch.flatMap(({ id, value }) => (isRefused(value) ? [{ id, reason: `${value.id} is no good` }] : [])),
    }));

  test("is a dead letter under its own id; the others are taken", async () => {
    const { handler, remember } = refusing(({ cents }) => cents < 0);
    await using driver = await testDriver(handler);
    await driver.send(orders, order("a"), order("b", -1), at(7, order("c", -1)), order("d"));
    expect(driver.written(remember).map(({ value }) => value.id)).toEqual(["a", "d"]);
    const letters = await driver.deadLetters(handler);
    expect(letters).toMatchObject([
      { id: "test/give/orders-0/0:2:5", reason: "b is no good", step: "sink remember", kind: "refused" },
      { id: "test/give/orders-0/0:2:6", reason: "c is no good", timestampMs: 7, offset: "sink" },
    ]);
    expect(driver.reports.reduce((sum, { deadLetters }) => sum + deadLetters, 0)).toBe(2);
    const decoded = ({ value }: DeadLetter) => JSON.parse(new TextDecoder().decode(value ?? undefined)) as unknown;
    expect(letters.map(decoded)).toEqual([order("b", -1), order("c", -1)]);
  });

  test("is the same dead letter when it is refused again after a crash", async () => {
    const { handler } = refusing(() => true);
    const world = await new World([handler]).createTopics();
    await world.write("orders", { value: JSON.stringify(order("a")) });
    let crashes = 1;
    const environment = world.environment({
      broker: {
        produce: async (batches) => {
          const offsets = await world.broker.produce(batches);
          if (batches[0]?.topic === "give--dead-letters" && crashes-- > 0) throw new Error("crashed");
          return offsets;
        },
      },
    });
    await expect(environment.deliver("orders", 0)).rejects.toThrow("crashed");
    await world.environment().tick("orders");
    const [first, second, ...others] = await world.read("give--dead-letters");
    expect(others).toEqual([]);
    expect({ ...second, offset: 0 }).toEqual({ ...first, offset: 0 });
    expect(first?.identity).toMatchObject({ sequenceNumber: 1, index: 1 });
  });

  test("can be redriven, once, and be refused again as a new dead letter", async () => {
    let refuses = true;
    const { given, handler } = refusing(() => refuses);
    await using driver = await testDriver(handler);
    await driver.send(orders, order("a"));
    expect(await driver.redrive(handler)).toMatchObject([{ outcome: "redriven" }]);
    expect(await driver.deadLetters(handler)).toHaveLength(2);
    refuses = false;
    expect((await driver.redrive(handler)).map(({ outcome }) => outcome)).toEqual(["redriven-before", "redriven"]);
    expect(given.batches).toEqual([["a"], ["a"], ["a"]]);
    expect(new Set(given.elements.map(({ id }) => id)).size).toBe(3);
    expect(await driver.deadLetters(handler)).toHaveLength(2);
  });

  test("stops the partition where the operator says so, and is known to be of the batch", async () => {
    const strict = sink("strict", {
      write: async (batch: readonly SinkElement<Order>[]) => ({
        refused: batch.map(({ id, value }) => ({ id: value.cents < 0 ? "other" : id, reason: "never" })),
      }),
    });
    const failing = operator({ name: "failing", onError: "fail" }, stream(orders).to(strict));
    await using driver = await testDriver(failing);
    await expect(driver.send(orders, order("a"))).rejects.toThrow(
      'it refuses test/failing/orders-0/0:2:0: never. onError is "fail", so the partition stops here',
    );
    await using other = await testDriver(operator("others", stream(orders).to(strict)));
    await expect(other.send(orders, order("a", -1))).rejects.toThrow('it refuses "other", which is none of the batch');
  });
});

describe("the code of today", () => {
  test("says which sink it misses for a commit that is not settled", async () => {
    const { handler } = remembering(() => {
      throw new Error("down");
    });
    const before = await new World([handler]).createTopics();
    await before.write("orders", { value: JSON.stringify(order("a")) });
    await expect(before.environment().deliver("orders", 0)).rejects.toThrow("down");
    const renamed = operator("give", stream(orders).to(sink("other", { write: async () => {} })));
    const after = new World([renamed], {}, before);
    await expect(after.environment().tick("orders")).rejects.toThrow(
      'A commit of task test/give/orders-0/0 has elements for the sink "remember", which its code does not have any more.',
    );
  });

  test("reads elements from an outbox as they were put", () => {
    const batch = {
      kind: "elements",
      sink: "s",
      atMs: 5,
      elements: [{ value: '{"a":1}', key: "null", timestampMs: 1 }],
    } as const;
    const bytes = encodeOutbox([batch]);
    expect(bytes[0]).toBe(2);
    expect(decodeOutbox(bytes)).toEqual([batch]);
  });
});

describe("a topology with sinks", () => {
  const { handler } = remembering();

  test("names them, and commits", () => {
    const topology = buildTopology("shop", [
      operator("only", stream(orders).to(sink("hook", { write: async () => {} }))).definition,
    ]);
    expect(topology.functions[0]).toMatchObject({ commits: true, outsideOutputs: [{ sinkName: "hook" }] });
    expect(toText(topology)).toContain("writes  sink hook\n");
    expect(toDescription(topology).operators[0]?.functions[0]?.gives).toEqual(["hook"]);
  });

  test("refuses two sinks of one name in an operator", () => {
    const twice = () => sink("hook", { write: async () => {} });
    const two = operator("two", stream(orders).to(twice()), stream(orders).to(twice()));
    expect(() => buildTopology("shop", [two.definition, handler.definition])).toThrow(
      /^Operator "two" \(.*\) writes to 2 sinks called "hook"; give each a name of its own\.$/,
    );
  });

  test.each([
    [() => sink("a b", { write: async () => {} }), 'Sink "a b": a name is made of'],
    [() => sink("s", {} as never), 'Sink "s": it needs a function that writes'],
    [() => sink("s", { write: async () => {}, timeout: milliseconds(0) }), "timeout must be above zero, not 0 ms."],
    [() => sink("s", { write: async () => {}, batchSize: 0 }), "batchSize is a whole number from 1, not 0."],
    [
      () => sink("s", { uses: { a: setting("AB") }, write: async () => {} }),
      'Sink "s": what it uses is given to open, and it has none.',
    ],
  ])("says of a declaration what is wrong (%#)", (declare, sentence) => {
    expect(declare).toThrow(sentence);
  });
});
