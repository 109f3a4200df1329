/** Process functions through the test driver: outputs, timers in both kinds of time, what throws. */

import { at, counterState, json, listState, monotonic, operator, stream, testDriver, text, topic } from "millrace";
import { describe, expect, test } from "vitest";

type Item = { readonly id: string; readonly do?: string; readonly ms?: number };

const items = topic("items", { value: json<Item>(), watermark: monotonic(), partitions: 1 });
const out = topic("out", { value: text(), partitions: 1 });
const keyed = stream(items).keyBy((item) => item.id);

const shown = (record: { readonly value: string | null; readonly timestampMs: number }) =>
  `${record.value} @${record.timestampMs}`;

describe("outputs", () => {
  test("are returned or yielded, with the element's timestamp and key; those of a timer with its time", async () => {
    const emitting = operator(
      "emitting",
      keyed
        .process({
          onElement(item, { key, timers, timestampMs }) {
            timers.eventTime(timestampMs + 5);
            return item.do === "nothing" ? undefined : [`${key}1`, `${key}2`];
          },
          *onTimer({ key, firedAtMs, timestampMs, time, watermarkMs }) {
            yield `${key} ${time} timer ${firedAtMs} = ${timestampMs} at ${watermarkMs}`;
          },
        })
        .to(out.record({ value: (value) => value, key: () => undefined as never })),
    );
    await using driver = await testDriver(emitting);
    await driver.send(items, at(1_000, { id: "a" }), at(1_001, { id: "b", do: "nothing" }));
    await driver.advanceWatermark(2_000);
    expect((await driver.readRecords(out)).map(shown)).toEqual([
      "a1 @1000",
      "a2 @1000",
      "a event timer 1005 = 1005 at 2000 @1005",
      "b event timer 1006 = 1006 at 2000 @1006",
    ]);
  });

  test("split into side outputs by what they are", async () => {
    const alerts = topic("alerts", { value: text(), partitions: 1 });
    const { alert, rest } = keyed
      .process({
        onElement: (item) => [
          { kind: "seen" as const, id: item.id },
          ...(item.do === "alarm" ? [{ kind: "alert" as const, why: item.id }] : []),
        ],
      })
      .split({ alert: (r) => r.kind === "alert" });
    const splitting = operator("splitting", alert.to(alerts.from(({ why }) => why)), rest.to(out.from(({ id }) => id)));
    await using driver = await testDriver(splitting);
    await driver.send(items, at(1, { id: "a", do: "alarm" }), at(2, { id: "b" }));
    expect([await driver.read(alerts), await driver.read(out)]).toEqual([["a"], ["a", "b"]]);
  });
});

describe("event-time timers", () => {
  const setting = operator(
    "setting",
    keyed
      .process({
        onElement(item, { timers }) {
          if (item.do === "delete") timers.deleteEventTime(item.ms as number);
          else timers.eventTime(item.ms as number);
          return [];
        },
        onTimer: ({ key, firedAtMs }) => [`${key} ${firedAtMs}`],
      })
      .to(out),
  );

  test("an event-time timer fires when the watermark reaches it, not a millisecond before", async () => {
    await using driver = await testDriver(setting);
    await driver.send(items, at(1_000, { id: "a", ms: 1_500 }));
    await driver.advanceWatermark(1_499);
    expect(await driver.read(out)).toEqual([]);
    await driver.advanceWatermark(1_500);
    expect(await driver.read(out)).toEqual(["a 1500"]);
  });

  test("a timer set at or before the watermark fires at the next advance, not at once", async () => {
    await using driver = await testDriver(setting);
    await driver.advanceWatermark(2_000);
    await driver.send(items, at(1_000, { id: "a", ms: 2_000 }), at(1_000, { id: "a", ms: 5 }));
    expect(await driver.read(out)).toEqual([]);
    await driver.restart();
    expect(await driver.read(out)).toEqual([]);
    await driver.advanceWatermark(2_001);
    expect(await driver.read(out)).toEqual(["a 5", "a 2000"]);
  });

  test("setting a timer twice is once; deleting one that is not there does nothing", async () => {
    await using driver = await testDriver(setting);
    const sent = [
      ["a", 10],
      ["a", 10],
      ["b", 10],
      ["a", 12],
      ["b", 9],
    ] as const;
    await driver.send(items, at(1, { id: "c", do: "delete", ms: 10 }), ...sent.map(([id, ms]) => at(1, { id, ms })));
    await driver.send(items, at(1, { id: "a", do: "delete", ms: 12 }));
    await driver.advanceWatermark(20);
    expect(await driver.read(out)).toEqual(["b 9", "a 10", "b 10"]);
  });

  test("a fraction of a millisecond is reached with the next whole one", async () => {
    await using driver = await testDriver(setting);
    await driver.send(items, at(1, { id: "a", ms: 10.2 }), at(1, { id: "a", ms: -0.5 }));
    await driver.advanceWatermark(10);
    expect(await driver.read(out)).toEqual(["a 0"]);
    await driver.advanceWatermark(11);
    expect(await driver.read(out)).toEqual(["a 0", "a 11"]);
  });

  test("timers are there after a restart", async () => {
    await using driver = await testDriver(setting, { restartAfterEveryBatch: true, batchSize: 1 });
    await driver.send(items, ...Array.from({ length: 60 }, (_, i) => at(1, { id: "a", ms: 100 - i })));
    await driver.advanceWatermark(1_000);
    expect(await driver.read(out)).toEqual(Array.from({ length: 60 }, (_, i) => `a ${41 + i}`));
  });

  test("a timer that sets the next one fires for every time that has passed", async () => {
    const ticking = operator(
      "ticking",
      keyed
        .process({
          onElement: (item, { timers }) => timers.eventTime(item.ms as number),
          onTimer({ firedAtMs, timers, watermarkMs }) {
            timers.eventTime(firedAtMs + 10);
            return [`${firedAtMs} at ${watermarkMs}`];
          },
        })
        .to(out),
    );
    await using driver = await testDriver(ticking);
    await driver.send(items, at(1, { id: "a", ms: 10 }));
    await driver.advanceWatermark(35);
    expect(await driver.read(out)).toEqual(["10 at 35", "20 at 35", "30 at 35"]);
  });

  test("the end of a stream fires all timers", async () => {
    await using driver = await testDriver(setting);
    await driver.send(items, at(1, { id: "a", ms: Number.MAX_SAFE_INTEGER }));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual([`a ${Number.MAX_SAFE_INTEGER}`]);
  });
});

describe("processing-time timers", () => {
  const waiting = operator(
    "waiting",
    keyed
      .process({
        onElement(item, { timers, processingTimeMs }) {
          if (item.do === "delete") timers.deleteProcessingTime(processingTimeMs + (item.ms as number));
          else timers.processingTime(processingTimeMs + (item.ms as number));
        },
        onTimer: ({ key, time, firedAtMs, processingTimeMs }) => [`${key} ${time} ${processingTimeMs - firedAtMs}`],
      })
      .to(out),
  );

  test("a processing-time timer fires when the clock reaches it, without any input", async () => {
    await using driver = await testDriver(waiting);
    await driver.send(items, at(1, { id: "a", ms: 1_000 }), at(1, { id: "b", ms: 500 }));
    await driver.advanceClock(499);
    expect(await driver.read(out)).toEqual([]);
    await driver.advanceClock(1);
    expect(await driver.read(out)).toEqual(["b processing 0"]);
    await driver.advanceClock(10_000);
    expect((await driver.read(out)).length).toBe(2);
  });

  test("one that is deleted does not fire, and one in the past fires as soon as may be", async () => {
    await using driver = await testDriver(waiting);
    await driver.send(items, at(1, { id: "a", ms: 1_000 }), at(1, { id: "a", do: "delete", ms: 1_000 }));
    await driver.send(items, at(1, { id: "b", ms: -5 }));
    await driver.advanceClock(2_000);
    expect((await driver.read(out)).map((line) => line.split(" ")[0])).toEqual(["b"]);
  });
});

describe("what throws leaves nothing behind", () => {
  const failing = operator(
    "failing",
    keyed
      .process(
        {
          state: { seen: listState<string>(), count: counterState() },
          onElement(item, { state, timers }) {
            state.seen.add(item.do ?? "");
            state.count.add();
            if (item.ms !== undefined) timers.eventTime(item.ms);
            if (item.do === "throw") throw new Error("on purpose");
            return [`${state.seen.get().join()} ${state.count.value}`];
          },
          *onTimer({ key, state, firedAtMs, timers }) {
            state.seen.add("timer");
            timers.eventTime(firedAtMs + 1_000);
            yield `${key} yielded ${firedAtMs}`;
            if (firedAtMs === 13) throw new Error("thirteen");
            timers.deleteEventTime(firedAtMs + 1_000);
          },
        },
        { name: "machine" },
      )
      .to(out),
  );

  test("in onElement: state, timers and outputs of the element are undone, and it becomes a dead letter", async () => {
    await using driver = await testDriver(failing);
    await driver.send(
      items,
      at(1, { id: "a", do: "x" }),
      at(2, { id: "a", do: "throw", ms: 10 }),
      at(3, { id: "a", do: "y" }),
    );
    await driver.advanceWatermark(100);
    expect(await driver.read(out)).toEqual(["x 1", "x,y 2"]);
    expect((await driver.deadLetters(failing)).map(({ step, reason }) => [step, reason])).toEqual([
      ["process (onElement)", "on purpose"],
    ]);
  });

  test("in onTimer: its state, timers and outputs are undone, the timer is gone, and it becomes a dead letter that can be redriven", async () => {
    await using driver = await testDriver(failing);
    await driver.send(items, at(1, { id: "a", ms: 12 }), at(1, { id: "a", ms: 13 }), at(1, { id: "b", ms: 13 }));
    await driver.advanceWatermark(14);
    const after = await driver.read(out);
    expect(after).toEqual([" 1", ", 2", " 1", "a yielded 12"]);
    await driver.send(items, at(14, { id: "a" }));
    expect((await driver.read(out)).at(-1)).toBe(",,timer, 3");
    const letters = await driver.deadLetters(failing);
    expect(letters.map(({ step, reason, offset }) => [step, reason, offset])).toEqual([
      ["process (onTimer)", "thirteen", "timer"],
      ["process (onTimer)", "thirteen", "timer"],
    ]);
    expect(JSON.parse(new TextDecoder().decode(letters[0]?.value as Uint8Array))).toEqual({
      key: "a",
      timer: { time: "event", firedAtMs: 13 },
    });
    expect((await driver.redrive(failing)).map(({ outcome }) => outcome)).toEqual(["failed-again", "failed-again"]);
    expect((await driver.read(out)).length).toBe(5);
  });

  test("a timer that is mended and redriven is called once, on the state of now", async () => {
    let isBroken = true;
    const mending = operator(
      "mending",
      keyed
        .process({
          state: { count: counterState() },
          onElement(_, { state, timers }) {
            state.count.add();
            timers.eventTime(10);
          },
          onTimer({ state, firedAtMs }) {
            if (isBroken) throw new Error("broken");
            return [`${state.count.add(10)} ${firedAtMs}`];
          },
        })
        .to(out),
    );
    await using driver = await testDriver(mending);
    await driver.send(items, at(1, { id: "a" }));
    await driver.advanceWatermark(10);
    await driver.send(items, at(11, { id: "a" }));
    isBroken = false;
    expect((await driver.redrive(mending)).map(({ outcome }) => outcome)).toEqual(["redriven"]);
    expect((await driver.redrive(mending)).map(({ outcome }) => outcome)).toEqual(["redriven-before"]);
    expect(await driver.read(out)).toEqual(["12 10"]);
    await driver.advanceWatermark(20);
    expect(await driver.read(out)).toEqual(["12 10", "22 10"]);
  });
});
