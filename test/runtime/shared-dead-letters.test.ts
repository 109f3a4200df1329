/** A topic of dead letters that several operators share: each one's are told apart, looked at and redriven by themselves. */

import { json, operator, stream, testDriver, topic } from "millrace";
import { describe, expect, test } from "vitest";
import { define, problemsOf } from "../stream/streams.ts";

const numbers = topic("numbers", { value: json<number>(), partitions: 2 });
const doubled = topic("doubled", { value: json<number>(), partitions: 1 });
const halved = topic("halved", { value: json<number>(), partitions: 1 });
const repaired = { yet: false };

const refuse = (bad: number) => (n: number) => {
  if (n === bad && !repaired.yet) throw new Error(`no ${bad}`);
  return n;
};
const shared = { deadLetterTopic: "bad-numbers" };
const double = operator(
  { name: "double", ...shared },
  stream(numbers)
    .map(refuse(1))
    .to(doubled.from((n) => n * 2)),
);
const halve = operator(
  { name: "halve", ...shared },
  stream(numbers)
    .map(refuse(2))
    .keyBy((n) => n)
    .count()
    .to(halved.from(({ key }) => key / 2)),
);

test("holds each operator's letters, which are told apart and redriven apart", async () => {
  repaired.yet = false;
  await using driver = await testDriver([double, halve]);
  await driver.send(numbers, 1, 2, 4);
  expect((await driver.deadLetters(double)).map(({ reason }) => reason)).toEqual(["no 1"]);
  expect((await driver.deadLetters(halve)).map(({ reason }) => reason)).toEqual(["no 2"]);
  repaired.yet = true;
  expect((await driver.redrive(halve)).map(({ outcome }) => outcome)).toEqual(["redriven"]);
  expect([...(await driver.read(halved))].sort()).toEqual([0.5, 1, 2]);
  expect([...(await driver.read(doubled))].sort()).toEqual([4, 8]);
  expect((await driver.redrive(double)).map(({ outcome }) => outcome)).toEqual(["redriven"]);
  expect([...(await driver.read(doubled))].sort()).toEqual([2, 4, 8]);
});

describe("its name", () => {
  test("is a topic's, and nobody else's", () => {
    expect(() => operator({ name: "a", deadLetterTopic: "bad letters" }, stream(numbers).to(doubled))).toThrow(
      /Operator "a".*deadLetterTopic "bad letters": a name is made of letters/,
    );
    const a = define("a", stream(numbers).to(doubled));
    expect(problemsOf({ ...a, deadLetterTopic: "doubled" } as never)).toEqual([
      expect.stringContaining('uses a topic called "doubled", which is the name of an internal topic of operator "a"'),
    ]);
  });
});
