/** What a window's function keeps: of each window, gone with it, and of the key, over all its windows. */

import {
  at,
  counterState,
  listState,
  mapState,
  type Operator,
  operator,
  session,
  sliding,
  stream,
  testDriver,
  tumbling,
  valueState,
} from "millrace";
import { describe, expect, test } from "vitest";
import { a, type Item, items, keyed, ms, out, told } from "./window-world.ts";

const b = (timestampMs: number, n = 1) => at(timestampMs, { key: "b", n });

/** Says how often the window has given a result, how often the key has, and what was seen last. */
const firings = (allowed: number) =>
  keyed
    .window(tumbling(ms(10)))
    .allowedLateness(ms(allowed))
    .process(
      (elements, { key, window, windowState, globalState }) => {
        const n = windowState.firings.add();
        const before = globalState.last.get() ?? "nothing";
        globalState.last.set(`${window.startMs}`);
        return [
          `${key} ${window.startMs}: ${elements.length}, ${n}. of window, ${globalState.all.add()}. of key, after ${before}`,
        ];
      },
      {
        windowState: { firings: counterState() },
        globalState: { all: counterState(), last: valueState<string>() },
      },
    )
    .to(out);

describe.each([false, true])("with a new environment after each batch: %s", (restartAfterEveryBatch) => {
  const start = (handler: Operator) => testDriver(handler, { startMs: 1_000, restartAfterEveryBatch });

  test("a window counts its own results, and the key all of them", async () => {
    await using driver = await start(operator("rules", firings(20)));
    await driver.send(items, a(1), a(11), b(1));
    await driver.advanceWatermark(9);
    await driver.send(items, a(2));
    await driver.advanceWatermark(19);
    await driver.send(items, a(3));
    expect(await told(driver)).toEqual([
      "a 0: 1, 1. of window, 1. of key, after nothing",
      "b 0: 1, 1. of window, 1. of key, after nothing",
      "a 0: 2, 2. of window, 2. of key, after 0",
      "a 10: 1, 1. of window, 3. of key, after 0",
      "a 0: 3, 3. of window, 4. of key, after 10",
    ]);
  });

  test("windows that overlap have state of their own", async () => {
    const handler = operator(
      "rules",
      keyed
        .window(sliding(ms(10), ms(5)))
        .allowedLateness(ms(100))
        .process((elements, { window, windowState: { n } }) => [`${window.startMs}: ${elements.length} ${n.add(10)}`], {
          windowState: { n: counterState() },
        })
        .to(out),
    );
    await using driver = await start(handler);
    await driver.send(items, a(7));
    await driver.advanceWatermark(30);
    await driver.send(items, a(3));
    expect(await told(driver)).toEqual(["0: 1 10", "5: 1 10", "0: 2 20", "-5: 1 10"]);
  });

  test("the state of a window goes with it, that of the key stays; clear sees both, once", async () => {
    const handler = operator(
      "rules",
      keyed
        .window(tumbling(ms(10)))
        .allowedLateness(ms(5))
        .process(
          (elements, { windowState: { list, map, value } }) => {
            for (const { n } of elements) {
              list.add(n);
              for (let i = 0; i < 100; i++) map.set(`${i}`, n);
            }
            value.set(elements.length);
            return [`fired ${list.get().length} ${map.size} ${value.get()}`];
          },
          {
            windowState: { list: listState<number>(), map: mapState<number>(), value: valueState<number>() },
            globalState: { forgotten: listState<string>() },
            clear({ key, window, timestampMs, windowState, globalState }) {
              globalState.forgotten.add(`${key} ${window.endMs} ${timestampMs} ${windowState.value.get()}`);
            },
          },
        )
        .to(out),
    );
    await using driver = await start(handler);
    await driver.send(items, a(1));
    await driver.advanceWatermark(9);
    expect((await driver.state(handler)).filter(({ table }) => table.includes("window/state")).length).toBeGreaterThan(
      3,
    );
    await driver.send(items, a(2));
    await driver.advanceWatermark(14);
    expect(await told(driver)).toEqual(["fired 1 100 1", "fired 3 100 2"]);
    const left = await driver.state(handler);
    expect(left.map(({ table, value }) => [table, value])).toEqual([
      ["by-key/window/global/state/forgotten/list", [["a 10 9 2"], [null]]],
    ]);
  });
});

test("windows that merge keep state of the key, and are forgotten once", async () => {
  const handler = operator(
    "rules",
    keyed
      .window(session(ms(5)))
      .process((elements, { globalState: { n } }) => [`${elements.length} ${n.add()}`], {
        globalState: { n: counterState(), cleared: counterState() },
        clear: ({ globalState }) => void globalState.cleared.add(),
      })
      .to(out),
  );
  await using driver = await testDriver(handler);
  await driver.send(items, a(1), a(9), a(5), a(30));
  await driver.advanceWatermark(Number.POSITIVE_INFINITY);
  expect(await told(driver)).toEqual(["3 1", "1 2"]);
  expect((await driver.state(handler)).map(({ table, value }) => [table.split("/").at(-2), value])).toEqual([
    ["n", [2]],
    ["cleared", [2]],
  ]);
});

test("the result of an aggregate can be compared with that before", async () => {
  const handler = operator(
    "rules",
    keyed
      .window(tumbling(ms(10)))
      .allowedLateness(ms(20))
      .aggregateAndProcess(
        (on) => on.sum(({ n }) => n),
        (sum, { key, window, windowState, globalState }) => {
          const was = windowState.sum.get();
          windowState.sum.set(sum);
          globalState.sum.add(sum - (was ?? 0));
          return [`${key} ${window.startMs}: ${was ?? "new"} ${sum} ${globalState.sum.value}`];
        },
        { windowState: { sum: valueState<number>() }, globalState: { sum: counterState() } },
      )
      .to(out),
  );
  await using driver = await testDriver(handler);
  await driver.send(items, a(1, 5), a(2, 6));
  await driver.advanceWatermark(9);
  await driver.send(items, a(3, 7), a(12, 1));
  await driver.advanceWatermark(25);
  expect(await told(driver)).toEqual(["a 0: new 11 11", "a 0: 11 18 18", "a 10: new 1 19"]);
});

test("windows over all elements have state too", async () => {
  const handler = operator(
    "rules",
    stream(items)
      .windowAll(tumbling(ms(10)))
      .process((all: readonly Item[], { globalState }) => [`${all.length} ${globalState.n.add(all.length)}`], {
        globalState: { n: counterState() },
      })
      .to(out),
  );
  await using driver = await testDriver(handler);
  await driver.send(items, a(1), b(2), a(12));
  await driver.advanceWatermark(30);
  expect(await told(driver)).toEqual(["2 2", "1 3"]);
});

test("state of the key may have a time to live", async () => {
  const handler = operator(
    "rules",
    keyed
      .window(tumbling(ms(10)))
      .process((_, { globalState }) => [`${globalState.n.add()}`], {
        globalState: { n: counterState({ ttl: ms(1_000) }) },
      })
      .to(out),
  );
  await using driver = await testDriver(handler);
  await driver.send(items, a(1));
  await driver.advanceWatermark(10);
  await driver.send(items, a(12));
  await driver.advanceWatermark(20);
  await driver.advanceClock(ms(1_000));
  await driver.send(items, a(22));
  await driver.advanceWatermark(30);
  expect(await told(driver)).toEqual(["1", "2", "1"]);
  await driver.advanceClock(ms(5_000));
  expect(await driver.state(handler)).toEqual([]);
});

describe("what throws", () => {
  const failing = (place: { broken: "fn" | "clear" | undefined }) =>
    operator(
      "rules",
      keyed
        .window(tumbling(ms(10)))
        .process(
          (elements, { key, windowState, globalState }) => {
            windowState.n.add();
            globalState.n.add();
            if (place.broken === "fn" && key === "a") throw new Error("not today");
            return [`${key} ${elements.length} ${windowState.n.value} ${globalState.n.value}`];
          },
          {
            windowState: { n: counterState() },
            globalState: { n: counterState() },
            clear({ key }) {
              if (place.broken === "clear" && key === "a") throw new Error("never to be forgotten");
            },
          },
        )
        .to(out),
    );

  test("in the function leaves no state behind, and is a dead letter that can be redriven when the window is gone", async () => {
    const place = { broken: "fn" as "fn" | undefined };
    const handler = failing(place);
    await using driver = await testDriver(handler);
    await driver.send(items, a(1), b(1));
    await driver.advanceWatermark(10);
    expect(await told(driver)).toEqual(["b 1 1 1"]);
    expect((await driver.deadLetters(handler)).map(({ reason, step }) => [reason, step])).toEqual([
      ["not today", "window (process)"],
    ]);
    expect((await driver.state(handler)).map(({ key }) => key)).toEqual(["b"]);
    place.broken = undefined;
    await driver.redrive(handler);
    expect(await told(driver)).toEqual(["b 1 1 1", "a 1 1 1"]);
    expect((await driver.state(handler)).map(({ table }) => table)).toEqual(
      Array(2).fill("by-key/window/global/state/n/counter"),
    );
  });

  test("in clear is a dead letter, and the window's state is dropped all the same", async () => {
    const handler = failing({ broken: "clear" });
    await using driver = await testDriver(handler);
    await driver.send(items, a(1), b(1));
    await driver.advanceWatermark(10);
    expect((await told(driver)).sort()).toEqual(["a 1 1 1", "b 1 1 1"]);
    expect((await driver.deadLetters(handler)).map(({ reason, step }) => [reason, step])).toEqual([
      ["never to be forgotten", "window (clear)"],
    ]);
    expect((await driver.state(handler)).map(({ table }) => table)).toEqual(
      Array(2).fill("by-key/window/global/state/n/counter"),
    );
  });

  test("a handle that is used after its call says so", async () => {
    let kept: { add(): number } | undefined;
    const handler = operator(
      "rules",
      keyed
        .window(tumbling(ms(10)))
        .process(
          (_, { windowState }) => {
            kept ??= windowState.n;
            return ["x"];
          },
          { windowState: { n: counterState() } },
        )
        .map((x) => {
          kept?.add();
          return x;
        })
        .to(out),
    );
    await using driver = await testDriver(handler);
    await driver.send(items, a(1));
    await driver.advanceWatermark(10);
    expect((await driver.deadLetters(handler)).map(({ reason }) => reason)).toEqual([
      'the state "n" is used outside of the call that it was given to: do not keep it',
    ]);
  });
});

describe("refused", () => {
  const none = () => [];

  test.each([
    [
      "state of windows that merge",
      () => keyed.window(session(ms(5))).process(none, { windowState: { n: counterState() } }),
      "Windows that merge cannot have state of their own: nobody could say what becomes of it when two become one. Use globalState, which is that of the key.",
    ],
    [
      "a ttl of what goes with its window",
      () => keyed.window(tumbling(ms(5))).process(none, { windowState: { n: counterState({ ttl: ms(1) }) } }),
      'The state "n" is that of a window and is dropped with it; leave its ttl out.',
    ],
    [
      "what is no declaration",
      () => keyed.window(tumbling(ms(5))).process(none, { windowState: { n: 1 as never } }),
      'The state "n" of process() is no declaration, such as valueState().',
    ],
    [
      "a name that cannot be one",
      () => keyed.window(tumbling(ms(5))).process(none, { globalState: { "a b": counterState() } }),
      "A state cannot be called \"a b\": a name begins with a letter and consists of letters, digits, '-' and '_'.",
    ],
  ])("%s", (_, build, sentence) => expect(build).toThrow(sentence));
});
