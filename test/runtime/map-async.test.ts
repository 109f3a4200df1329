/** mapAsync: which answers go on, in which order, and where. Flink: AsyncDataStream, orderedWait and unorderedWait. */

import {
  at,
  boundedOutOfOrderness,
  json,
  type KeyedStream,
  milliseconds,
  monotonic,
  operator,
  type Stream,
  seconds,
  stream,
  type TestDriver,
  testDriver,
  text,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";
import { buildTopology } from "../../lib/stream/topology.ts";
import { OneTask } from "./one-task.ts";
import { sleep } from "./sleep.ts";

const words = topic("words", { key: text(), value: text(), watermark: monotonic() });
const answers = topic("answers", { key: text(), value: json<unknown>() });

type Built = Stream<unknown, unknown> | KeyedStream<unknown, unknown>;

/** An operator from words to answers. */
const asking = (build: (from: Stream<string, string>) => Built) =>
  operator("ask", build(stream(words)).to(answers.record({ key: () => "k", value: (value) => value })));

/** Longer words take longer. */
const slowly = async (word: string) => {
  await sleep(word.length * 4);
  return word.toUpperCase();
};
const upper = async (word: string) => word.toUpperCase();
const timeout = seconds(2);

const sorted = async (driver: TestDriver) => [...(await driver.read(answers))].sort();

describe("order", () => {
  const elements = ["four", "a", "three", "be"].map((word, i) => at(i, word));

  test("ordered answers go on in the order of their elements", async () => {
    await using driver = await testDriver(asking((from) => from.mapAsync({ call: slowly, timeout })));
    await driver.send(words, ...elements);
    expect(await driver.read(answers)).toEqual(["FOUR", "A", "THREE", "BE"]);
  });

  test("unordered answers go on as they come, and a repeat of the batch gives the same", async () => {
    const ask = asking((from) =>
      from.mapAsync({ call: slowly, timeout, order: "unordered" }).map((word) => {
        if (word === "THREE") throw new Error("no three");
        return word;
      }),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, ...elements);
    expect(await driver.read(answers)).toEqual(["A", "BE", "FOUR"]);
  });

  test.each([
    ["where nothing behind keeps state", (from: KeyedStream<string, number>): Built => from],
    [
      "where state follows",
      (from: KeyedStream<string, number>): Built => from.process({ onElement: (word) => [word] }, { name: "behind" }),
    ],
  ])("unordered answers never cross a watermark, %s", async (_, behind) => {
    const lines = topic("lines", { value: text(), watermark: monotonic(), partitions: 3 });
    const ask = operator(
      "ask",
      behind(
        stream(lines)
          .keyBy(() => 1, { parallelism: 1 })
          .process({ onElement: (line) => [line] })
          .mapAsync({ call: slowly, timeout, order: "unordered" }),
      ).to(answers.record({ key: () => "k", value: (value) => value })),
    );
    await using driver = await testDriver(ask, { partitions: "declared" });
    const place = (ms: number, word: string, partition: number) => at(ms, word, { partition });
    await driver.send(lines, place(1, "", 0), place(2, "", 1), place(3, "", 2));
    // Three bundles come at once. Each moves the watermark, as its partition is the one that is furthest behind.
    await driver.send(lines, place(100, "late.", 0), place(100, "now", 0), place(100, "mid", 1), place(100, "a", 2));
    expect(await driver.read(answers)).toEqual(["", "", "", "NOW", "LATE.", "MID", "A"]);
  });
});

describe("an answer", () => {
  test("takes the place of its element, with its key and timestamp", async () => {
    const keyed = operator(
      "ask",
      stream(words)
        .keyBy((word) => word[0] as string)
        .mapAsync({ call: upper, timeout })
        .to(answers),
    );
    await using driver = await testDriver(keyed);
    await driver.send(words, at(1_000, "ab"), at(2_000, "ba"));
    expect((await driver.readRecords(answers)).map(({ key, value, timestampMs }) => [key, value, timestampMs])).toEqual(
      [
        ["a", "AB", 1_000],
        ["b", "BA", 2_000],
      ],
    );
  });

  test("has the record's own key before any keyBy", async () => {
    const plain = operator("ask", stream(words).mapAsync({ call: upper, timeout }).to(answers));
    await using driver = await testDriver(plain);
    await driver.send(words, at(1, "a", { key: "mine" }));
    expect((await driver.readRecords(answers)).map(({ key }) => key)).toEqual(["mine"]);
  });

  test("may be undefined, or an array that is one element", async () => {
    const ask = asking((from) =>
      from
        .mapAsync({ call: async (word) => (word === "a" ? undefined : [word]), timeout })
        .map((answer) => answer ?? "nothing"),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, "a", "b");
    expect(await driver.read(answers)).toEqual(["nothing", ["b"]]);
  });

  test("reaches the window of its element before the watermark closes it", async () => {
    const ask = asking((from) =>
      from
        .keyBy((word) => word.length)
        .mapAsync({ call: slowly, timeout, order: "unordered" })
        .window(tumbling(milliseconds(10)))
        .collect()
        .map(({ value, window }) => `${window.startMs}: ${[...value].sort()}`),
    );
    await using driver = await testDriver(ask, { batchSize: 2 });
    await driver.send(words, at(1, "a"), at(2, "b"), at(9, "c"), at(10, "d"), at(11, "e"), at(30, "f"));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(answers)).toEqual(["0: A,B,C", "10: D,E", "30: F"]);
  });

  test("of a window's result reaches the next window in time", async () => {
    const ask = asking((from) =>
      from
        .keyBy((word) => word)
        .window(tumbling(milliseconds(10)))
        .count()
        .mapAsync({ call: async ({ key, value }) => ({ key, n: value * 10 }), timeout })
        .window(tumbling(milliseconds(20)), { name: "second" })
        .sum(({ n }) => n)
        .map(({ key, value, window }) => `${window.startMs} ${key}: ${value}`),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, at(1, "a"), at(2, "a"), at(12, "a"), at(13, "b"), at(40, "z"));
    expect(await sorted(driver)).toEqual(["0 a: 30", "0 b: 10"]);
  });

  test("of an answer, of another branch, and of a union goes its own way", async () => {
    const ask = asking((from) => {
      const first = from.mapAsync({ call: upper, timeout }, { name: "first" });
      const second = first.mapAsync({ call: async (word) => `${word}!`, timeout }, { name: "second" });
      return second.union(first.mapAsync({ call: async (word) => `${word}?`, timeout }), from);
    });
    await using driver = await testDriver(ask);
    await driver.send(words, "a", "b");
    expect(await sorted(driver)).toEqual(["A!", "A?", "B!", "B?", "a", "b"]);
  });

  test("follows what processing time fires, and a timer of the clock", async () => {
    const ask = asking((from) =>
      from
        .keyBy((word) => word)
        .window(tumbling(seconds(10), { time: "processing" }))
        .count()
        .mapAsync({ call: async ({ key, value }) => `${key}${value}`, timeout })
        .process({
          onElement(word, { timers, processingTimeMs }) {
            timers.processingTime(processingTimeMs + 1_000);
            return [word];
          },
          onTimer: ({ key }) => [`timer ${key}`],
        })
        .mapAsync({ call: upper, timeout }),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, "a", "a");
    await driver.advanceClock(seconds(30));
    expect(await driver.read(answers)).toEqual(["A2", "TIMER A"]);
  });
});

describe("calls", () => {
  test("are made once for each element, though strict mode goes through each batch twice", async () => {
    const calls: string[] = [];
    const ask = asking((from) =>
      from
        .mapAsync({
          call: async (word) => {
            calls.push(word);
            return `${word} ${Math.random()}`;
          },
          timeout,
        })
        .map((word) => word.slice(0, 1)),
    );
    await using driver = await testDriver(ask, { strict: true });
    await driver.send(words, "a", "b", "a");
    expect(calls).toEqual(["a", "b", "a"]);
  });

  test("of every element of a flatMap are told apart", async () => {
    let n = 0;
    const ask = asking((from) =>
      from.flatMap((word) => [word, word, word]).mapAsync({ call: async (word) => `${word}${++n}`, timeout }),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, "a", "b");
    expect(await driver.read(answers)).toEqual(["a1", "a2", "a3", "b4", "b5", "b6"]);
  });
});

describe("an invocation", () => {
  const run = (behave: (word: string, signal: AbortSignal) => Promise<string>) => {
    const calls: string[] = [];
    const ask = operator(
      "ask",
      stream(words)
        .mapAsync({
          call: async (word, { signal }) => {
            calls.push(word);
            return behave(word, signal);
          },
          timeout: seconds(600),
        })
        .to(answers),
    );
    return { task: new OneTask(ask).begin(), calls };
  };
  const sent = ["a", "slow", "b"].map((word, i) => ({ key: "k", value: word, timestampMs: i }));

  test("that ends gives its calls up; what was answered is not asked for again with the next", async () => {
    let isSlow = true;
    let aborted = 0;
    const { task: beginning, calls } = run((word, signal) => {
      signal.addEventListener("abort", () => aborted++);
      return isSlow && word.includes("slow") ? new Promise(() => {}) : Promise.resolve(word);
    });
    const task = await beginning;
    task.remainingMs = 100;
    await expect(task.send(sent)).rejects.toMatchObject({
      code: "timeout",
      message: expect.stringContaining(
        "mapAsync still waited for 1 of 3 answers when the invocation's time was nearly over.",
      ),
    });
    expect([aborted, task.written.entries.length]).toEqual([1, 0]);
    isSlow = false;
    await task.sendAgain();
    expect(calls).toEqual(['"a"', '"slow"', '"b"', '"slow"']);
    // And of the next batch everything is asked.
    await task.send(sent);
    expect([calls.length, task.written.entries.length]).toEqual([7, 2]);
  });

  test("that was not committed left answers for what is still the same, and for nothing else", async () => {
    const asked: string[] = [];
    let isSlow = true;
    const ask = operator(
      "ask",
      stream(topic("keyed", { key: text(), value: json<string>(), watermark: monotonic() }))
        .keyedByTopicKey()
        .window(tumbling(milliseconds(10)))
        .count()
        .mapAsync({
          call: async ({ key, value }) => {
            asked.push(`${key}${value}`);
            return isSlow && key === "b" ? new Promise<string>(() => {}) : `${key}${value}`;
          },
          timeout: seconds(600),
        })
        .to(answers),
    );
    const task = await new OneTask(ask).begin();
    const place = (key: string, timestampMs: number) => ({ key, value: "", timestampMs });
    task.remainingMs = 100;
    await expect(task.send([place("a", 1), place("b", 2), place("c", 3), place("z", 20)])).rejects.toThrow("1 of 3");
    isSlow = false;
    // It comes again with another element of one of these windows.
    await task.send([place("a", 4), place("z", 21)]);
    expect(asked).toEqual(["a1", "b1", "c1", "a2", "b1"]);
  });

  test("whose commit was stored, but not heard of, asks nothing again", async () => {
    const { task: beginning, calls } = run(async (word) => word);
    const task = await beginning;
    task.diesAtNextPut = true;
    await expect(task.send(sent)).rejects.toThrow("The environment died here.");
    task.restart();
    await task.sendAgain();
    expect([calls.length, task.written.entries.length]).toEqual([3, 1]);
  });

  test("that lost its race asks again, and its answers go nowhere", async () => {
    let n = 0;
    const ask = operator(
      "ask",
      stream(words)
        .mapAsync({ call: async () => `${++n}`, timeout })
        .to(answers),
    );
    const task = await new OneTask(ask, 2).begin();
    await task.send(sent.slice(0, 1), 0);
    // The other environment knows nothing of it.
    await task.sendAgain(1);
    await task.send(sent.slice(0, 1), 1);
    expect([n, task.written.entries.length]).toEqual([2, 2]);
  });
});

test("a function with mapAsync commits, as its answers are not repeatable; and it asks for no ticks", async () => {
  const idle = topic("idle", {
    value: text(),
    watermark: boundedOutOfOrderness(seconds(1), { idleAfter: seconds(1) }),
  });
  const ask = operator(
    "ask",
    stream(idle)
      .mapAsync({ call: upper, timeout })
      .to(answers.record({ key: () => "k", value: (word) => word })),
  );
  expect(buildTopology("shop", [ask.definition]).functions.map(({ commits }) => commits)).toEqual([true]);
  await using driver = await testDriver(ask);
  await driver.send(idle, "a");
  const commits = driver.reports.length;
  await driver.advanceClock(seconds(100));
  expect(driver.reports).toHaveLength(commits);
});
