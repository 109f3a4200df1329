/** What process functions keep: schemas, times to live by the clock, two streams in one function, deduplicate. */

import {
  at,
  counterState,
  json,
  listState,
  mapState,
  monotonic,
  operator,
  seconds,
  stream,
  type TestDriver,
  testDriver,
  text,
  topic,
  valueState,
} from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";

type Item = { readonly id: string; readonly n?: number; readonly do?: string };

const items = topic("items", { key: text(), value: json<Item>(), watermark: monotonic(), partitions: 1 });
const out = topic("out", { value: text(), partitions: 1 });
const keyed = stream(items).keyBy((item) => item.id);

describe("time to live", () => {
  const remembering = operator(
    "remembering",
    keyed
      .process({
        state: { last: valueState<number>({ ttl: seconds(10) }) },
        onElement(item, { state }) {
          const before = state.last.get();
          if (item.n !== undefined) state.last.set(item.n);
          return [`${before}`];
        },
      })
      .to(out),
  );
  const send = (driver: TestDriver, n?: number) =>
    driver.send(items, at(1, { id: "a", ...(n !== undefined && { n }) }));

  test("goes by the clock, through restarts: expired iff last write + ttl ≤ now", async () => {
    await using driver = await testDriver(remembering, { restartAfterEveryBatch: true });
    await send(driver, 1);
    await driver.advanceClock(9_999);
    await send(driver);
    await driver.advanceClock(1);
    await send(driver);
    expect(await driver.read(out)).toEqual(["undefined", "1", "undefined"]);
  });

  test("what has expired is dropped without any input", async () => {
    await using driver = await testDriver(remembering);
    await send(driver, 1);
    expect((await driver.state(remembering)).length).toBeGreaterThan(0);
    await driver.advanceClock(seconds(12));
    expect(await driver.state(remembering)).toEqual([]);
  });
});

describe("a schema", () => {
  const Machine = z.object({ step: z.enum(["open", "paid"]), cents: z.number().default(0) });
  const machine = operator(
    "machine",
    keyed
      .process({
        state: { machine: valueState(Machine), amounts: mapState(json<number>()), names: listState(text()) },
        onElement(item, { state }) {
          if (item.do === "name") state.names.add(5 as never);
          else state.machine.set({ step: item.do as "open" });
          return [JSON.stringify(state.machine.get())];
        },
      })
      .to(out),
  );

  test("checks what is set, and its output is kept", async () => {
    await using driver = await testDriver(machine);
    for (const step of ["open", "sent", "name"]) await driver.send(items, at(1, { id: "a", do: step }));
    expect(await driver.read(out)).toEqual(['{"step":"open","cents":0}']);
    expect((await driver.deadLetters(machine)).map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^the state "machine" was given: The value does not fit its schema: step: /),
      'an element of the state "names" was given: A text topic takes strings, not a value of type number.',
    ]);
  });
});

describe("deduplicate", () => {
  test("lets the first element of a key through, or the first that has the same in common", async () => {
    const first = operator("first", keyed.deduplicate().to(out.from(({ id, n }) => `${id}${n}`)));
    const each = operator(
      "each",
      keyed.deduplicate({ by: (item) => item.n ?? -1, name: "numbers" }).to(out.from(({ id, n }) => `${id}${n}`)),
    );
    const sent = [
      ["a", 1],
      ["a", 2],
      ["b", 1],
      ["a", 1],
    ] as const;
    for (const [deduplicating, expected] of [
      [first, ["a1", "b1"]],
      [each, ["a1", "a2", "b1"]],
    ] as const) {
      await using driver = await testDriver(deduplicating, { restartAfterEveryBatch: true, batchSize: 1 });
      await driver.send(items, ...sent.map(([id, n]) => at(1, { id, n })));
      expect(await driver.read(out)).toEqual(expected);
    }
  });

  test("forgets after its time to live, and then keeps nothing", async () => {
    const brief = operator(
      "brief",
      keyed.deduplicate({ by: (item) => item.n ?? 0, ttl: seconds(10) }).to(out.from(({ n }) => `${n}`)),
    );
    await using driver = await testDriver(brief);
    await driver.send(items, at(1, { id: "a", n: 1 }));
    await driver.advanceClock(seconds(9));
    await driver.send(items, at(1, { id: "a", n: 1 }), at(1, { id: "a", n: 2 }));
    await driver.advanceClock(seconds(1));
    await driver.send(items, at(1, { id: "a", n: 1 }), at(1, { id: "a", n: 2 }));
    expect(await driver.read(out)).toEqual(["1", "2", "1"]);
    await driver.advanceClock(seconds(60));
    expect(await driver.state(brief)).toEqual([]);
  });
});

describe("connect", () => {
  type Order = { readonly id: string; readonly amount: number };
  type Payment = { readonly order: string; readonly amount: number };
  const orders = topic("orders", { value: json<Order>(), watermark: monotonic() });
  const payments = topic("payments", { value: json<Payment>(), watermark: monotonic() });
  const matching = operator(
    "matching",
    stream(orders)
      .keyBy((order) => order.id)
      .connect(stream(payments).keyBy((payment) => payment.order))
      .process({
        state: { due: counterState(), seen: listState<string>() },
        onLeft(order, { state, timers, timestampMs, key }) {
          timers.eventTime(timestampMs + 100);
          state.seen.add(`ordered ${order.amount}`);
          return [{ kind: "due" as const, id: key, cents: state.due.add(order.amount) }];
        },
        onRight(payment, { state, key }) {
          state.seen.add(`paid ${payment.amount}`);
          if (payment.amount < 0) throw new Error("negative");
          return state.due.add(-payment.amount) === 0 ? [{ kind: "paid" as const, id: key }] : undefined;
        },
        *onTimer({ state, key }) {
          if (state.due.value !== 0) yield { kind: "late" as const, id: key, seen: state.seen.get().join() };
        },
      })
      .to(out.from((result) => JSON.stringify(result))),
  );

  test("two streams of a key share state and timers, whose time is the lesser of the two watermarks", async () => {
    await using driver = await testDriver(matching, { restartAfterEveryBatch: true });
    await driver.send(orders, at(1_000, { id: "a", amount: 5 }), at(1_000, { id: "b", amount: 7 }));
    await driver.send(payments, at(1_010, { order: "a", amount: 5 }), at(1_020, { order: "b", amount: 3 }));
    await driver.send(orders, at(2_000, { id: "c", amount: 1 }));
    expect((await driver.read(out)).length).toBe(4);
    await driver.send(payments, at(2_000, { order: "x", amount: 0 }));
    expect((await driver.read(out)).map((line) => JSON.parse(line))).toEqual([
      { kind: "due", id: "a", cents: 5 },
      { kind: "due", id: "b", cents: 7 },
      { kind: "paid", id: "a" },
      { kind: "due", id: "c", cents: 1 },
      { kind: "paid", id: "x" },
      { kind: "late", id: "b", seen: "ordered 7,paid 3" },
    ]);
  });

  test("what throws for one side leaves nothing behind, and can be redriven", async () => {
    await using driver = await testDriver(matching);
    await driver.send(payments, at(1_000, { order: "a", amount: -1 }));
    await driver.send(orders, at(1_000, { id: "a", amount: 0 }));
    expect((await driver.deadLetters(matching)).map(({ step, reason }) => [step, reason])).toEqual([
      ["process (onRight)", "negative"],
    ]);
    expect((await driver.redrive(matching)).map(({ outcome }) => outcome)).toEqual(["failed-again"]);
    const cells = await driver.state(matching, "a");
    expect(cells.filter(({ table }) => table.endsWith("/list")).map(({ value }) => value)).toEqual([
      [["ordered 0"], [null]],
    ]);
  });
});
