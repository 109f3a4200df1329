/** What throws before, in and behind the questions of a mapAsync: the failure of the unit that was asked for, with nothing left of it. */

import { at, json, milliseconds, monotonic, operator, seconds, stream, testDriver, topic, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { answers, at0, operatorOf, others, upper, words } from "./asked-words.ts";

describe("what throws", () => {
  test("behind an answer belongs to the record that was asked for", async () => {
    const { fn, calls } = upper();
    const ask = operatorOf((from) =>
      from.mapAsync(fn).map((word) => {
        if (word === "X") throw new Error("no X");
        return word;
      }),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, ...at0("a", "x", "b"));
    expect(await driver.read(answers)).toEqual(["A", "B"]);
    expect((await driver.deadLetters(ask)).map(({ step, offset }) => [step, offset])).toEqual([["map", "1"]]);
    expect(calls).toEqual(["a", "x", "b"]);
  });

  test("as element and answer are made one belongs to the record too", async () => {
    const { fn } = upper();
    const ask = operatorOf((from) =>
      from.mapAsync(fn, {
        combine: (word, answer) => {
          if (word === "x") throw new Error("no x");
          return `${word}${answer}`;
        },
      }),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, ...at0("a", "x", "b"));
    expect(await driver.read(answers)).toEqual(["aA", "bB"]);
    expect((await driver.deadLetters(ask)).map(({ step, reason }) => [step, reason])).toEqual([["mapAsync", "no x"]]);
  });

  test("in a window behind an answer leaves nothing in the window", async () => {
    const { fn } = upper();
    const ask = operatorOf((from) =>
      from
        .keyBy((word) => word.length)
        .mapAsync(fn)
        .window(tumbling(milliseconds(100)))
        .aggregate((on) =>
          on.custom({
            create: () => "",
            add: (all: string, word: string) => {
              if (word === "X") throw new Error("no X");
              return all + word;
            },
            merge: (a, b) => a + b,
            result: (all) => all,
          }),
        )
        .map(({ value }) => value),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, ...at0("a", "x", "b"), at(200, "z"));
    expect(await driver.read(answers)).toEqual(["AB"]);
    expect(await driver.deadLetters(ask)).toHaveLength(1);
  });

  test("before a question leaves it unasked, and so does what another branch throws", async () => {
    const { fn, calls } = upper();
    const checked = stream(words).peek((word) => {
      if (word === "x") throw new Error("no x");
    });
    const ask = operator(
      "ask",
      checked.mapAsync(fn).to(answers.from((value: string) => value)),
      checked
        .map((word) => {
          if (word === "y") throw new Error("no y");
          return word;
        })
        .to(others),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, ...at0("x", "y", "z"));
    expect(await driver.read(answers)).toEqual(["Z"]);
    expect(await driver.read(others)).toEqual(["z"]);
    expect(await driver.deadLetters(ask)).toHaveLength(2);
    expect(calls).toEqual(["z"]);
  });

  test("before a question leaves nothing that is asked for on its behalf", async () => {
    const { fn, calls } = upper();
    // The count of a bad word must not be seen outside, as it will be undone.
    const counted = stream(words)
      .keyBy((word) => word.length)
      .count();
    const ask = operator(
      "ask",
      counted
        .map(({ key, value }) => `${key}: ${value}`)
        .mapAsync(fn)
        .to(answers.from((value: string) => value)),
      counted
        .map(({ value }) => {
          if (value === 2) throw new Error("two");
          return value;
        })
        .to(others),
    );
    await using driver = await testDriver(ask, { strict: false });
    await driver.send(words, at(0, "a"), at(1, "b"), at(2, "c"));
    // The second is undone each time, so that the third is the second, and is undone too.
    expect(await driver.read(answers)).toEqual(["1: 1"]);
    expect(calls).toEqual(["1: 1"]);
    expect(await driver.deadLetters(ask)).toHaveLength(2);
  });

  test("as a call fails leaves nothing that is asked for on its behalf elsewhere", async () => {
    const { fn } = upper();
    const asked: string[] = [];
    const read = stream(words).keyBy((word) => word.length);
    const ask = operator(
      "ask",
      read.mapAsync(fn, { name: "first" }).to(answers.from((value: string) => value)),
      read
        .count()
        .mapAsync(
          {
            call: async ({ key, value }) => {
              asked.push(`${key}: ${value}`);
              return value;
            },
            timeout: seconds(5),
          },
          { name: "second" },
        )
        .to(others.from((value: number) => value)),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, ...at0("abc", "bad", "bed"));
    expect(await driver.read(others)).toEqual([1, 2]);
    expect(asked).toEqual(["3: 1", "3: 2"]);
  });

  test("in one of two results that a unit's answers make is that result's alone", async () => {
    const { fn } = upper();
    const ask = operatorOf((from) =>
      from
        .keyBy((word) => word[0] as string)
        .flatMap((word) => (word === "a2" ? [word, word] : [word]))
        .mapAsync(fn)
        .window(tumbling(milliseconds(10)))
        .allowedLateness(milliseconds(1_000))
        .count()
        .map(({ key, value }) => {
          if (value === 3) throw new Error("three");
          return `${key}${value}`;
        }),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, at(1, "a1"));
    await driver.send(words, at(100, "z"));
    await driver.send(words, at(2, "a2"));
    expect(await driver.read(answers)).toEqual(["a1", "a2"]);
    expect((await driver.deadLetters(ask)).map(({ kind, reason }) => [kind, reason])).toEqual([["result", "three"]]);
  });

  test("in open fails the batch, and is no dead letter", async () => {
    let opened = 0;
    const ask = operatorOf((from) =>
      from.mapAsync({
        open: () => {
          if (++opened === 1) throw new Error("no way");
          return opened;
        },
        call: async (word, { client }) => `${word} ${client}`,
        timeout: seconds(1),
      }),
    );
    await using driver = await testDriver(ask);
    await expect(driver.send(words, "a")).rejects.toThrow("mapAsync could not be opened: no way");
    await driver.send(words, "b");
    expect(await driver.read(answers)).toEqual(["a 2", "b 2"]);
    expect(await driver.deadLetters(ask)).toEqual([]);
  });

  test("as a call changes its element is found by strict mode", async () => {
    const items = topic("items", { value: json<{ n: number }>(), watermark: monotonic() });
    const ask = operator(
      "ask",
      stream(items)
        .mapAsync({
          call: async (item) => {
            item.n++;
            return item.n;
          },
          timeout: seconds(1),
        })
        .to(answers),
    );
    await using driver = await testDriver(ask);
    await expect(driver.send(items, { n: 1 })).rejects.toThrow("Function ask changes its input in mapAsync");
  });

  test("as a later step changes an answer is found by strict mode", async () => {
    const ask = operatorOf((from) =>
      from.mapAsync({ call: async (word) => ({ word }), timeout: seconds(1) }).peek((answer) => {
        answer.word = "changed";
      }),
    );
    await using driver = await testDriver(ask);
    await expect(driver.send(words, "a")).rejects.toThrow("Function ask changes its input in peek");
  });
});
