/** Records above the broker's limit: on their way in, on their way out, and inside of bundles. Never a batch that cannot be sent. */

import { at, json, milliseconds, monotonic, operator, stream, testDriver, text, topic, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { RECORD_BYTES_MAX_DEFAULT as MAX } from "../../lib/local/broker-rules.ts";

const lines = topic("lines", { value: text(), watermark: monotonic() });
const out = topic("out", { value: text() });

/** Text that no compression makes small. */
function noise(chars: number, seed: number): string {
  let state = seed + 1;
  let string = "";
  while (string.length < chars) {
    state = (Math.imul(state, 0x5bd1e995) + 0x9747b28c) >>> 0;
    string += (state ^ (state >>> 13)).toString(36);
  }
  return string.slice(0, chars);
}

describe("an output above the limit", () => {
  const growing = operator("growing", stream(lines).to(out.from((line) => line.repeat(2))));
  const counting = operator(
    "counting",
    stream(lines)
      .keyBy((line) => line.slice(0, 1))
      .count()
      .to(out.from(({ key, value }) => (value === 2 ? key.repeat(2 * MAX) : `${key} ${value}`))),
  );

  test("makes a dead letter of its input, and the rest is written", async () => {
    await using driver = await testDriver(growing);
    await driver.send(lines, "a", "b".repeat(MAX - 10_000), "c");
    expect(await driver.read(out)).toEqual(["aa", "cc"]);
    const [letter] = await driver.deadLetters(growing);
    expect(letter?.value).toHaveLength(MAX - 10_000);
    expect(letter?.reason).toMatch(
      /^The record for topic out has \d+ bytes with its identity; the broker takes at most 1048576\.$/,
    );
  });

  test("behind a shuffle makes one of the element", async () => {
    await using driver = await testDriver(counting);
    await driver.send(lines, "a", "a", "a", "b");
    // Each of the later ones would have been the second.
    expect((await driver.read(out)).sort()).toEqual(["a 1", "b 1"]);
    expect(await driver.deadLetters(counting)).toHaveLength(2);
  });

  // The identity is added when a record is sent, and needs room too.
  test.each([0, 1, 20, 60, 100, 200])("is noticed before it is committed, %i bytes below the limit", async (below) => {
    const fill = MAX - below;
    const filling = operator(
      "filling",
      stream(lines)
        .keyBy((line) => line)
        .count()
        .to(out.from(({ key }) => (key === "fill" ? "x".repeat(fill) : key))),
    );
    await using driver = await testDriver(filling);
    await driver.send(lines, "a", "fill", "b");
    await driver.send(lines, "c");
    const written = (await driver.read(out)).filter((line) => line.length < 10);
    expect(written).toEqual(["a", "b", "c"]);
    const stateless = operator("stateless", stream(lines).to(out.from((line) => line.repeat(fill))));
    await using other = await testDriver(stateless);
    await other.send(lines, "x");
    expect((await other.read(out)).length + (await other.deadLetters(stateless)).length).toBe(1);
  });
});

describe("an input that is too large to be copied", () => {
  test("is a dead letter that refers to it by its position", async () => {
    const failing = operator(
      "failing",
      stream(lines)
        .map((line): string => {
          if (line.length > 10) throw new Error("too long for me");
          return line;
        })
        .to(out),
    );
    await using driver = await testDriver(failing);
    await driver.send(lines, "a", "b".repeat(MAX - 50), "c");
    expect(await driver.read(out)).toEqual(["a", "c"]);
    const [letter] = await driver.deadLetters(failing);
    expect(letter).toMatchObject({ value: null, topic: "lines", partition: 0, offset: "1", reason: "too long for me" });
  });
});

describe("an element that is too large for a bundle", () => {
  const rolling = operator(
    "rolling",
    stream(lines)
      .flatMap((line) => [line, line.startsWith("big") ? noise(2 * MAX, 7) : line])
      .keyBy(() => "k")
      .count()
      .to(out.from(({ value }) => String(value))),
  );

  test("is a dead letter, and the others cross", async () => {
    await using driver = await testDriver(rolling);
    await driver.send(lines, "a", "big", "c");
    expect(await driver.read(out)).toEqual(["1", "2", "3", "4"]);
    const letters = await driver.deadLetters(rolling);
    expect(letters.map(({ offset }) => offset)).toEqual(["1"]);
    expect(letters[0]?.reason).toMatch(/does not fit into a bundle/);
  });

  test("crosses where compression makes it small, whatever else fails in its batch", async () => {
    const counting = operator(
      "counting",
      stream(lines)
        .map((line) =>
          line === "big"
            ? { line, more: "x".repeat(2 * MAX) }
            : { line, more: noise(line === "noise" ? 2 * MAX : 1, 1) },
        )
        .keyBy(({ line }) => line)
        .count()
        .to(out.from(({ key }) => key)),
    );
    await using driver = await testDriver(counting);
    await driver.send(lines, "big", "noise", "c");
    expect((await driver.read(out)).sort()).toEqual(["big", "c"]);
    expect(await driver.deadLetters(counting)).toHaveLength(1);
  });

  test("that fails behind the shuffle is a dead letter without its value", async () => {
    const failing = operator(
      "failing",
      stream(lines)
        .map((line) => (line === "big" ? "x".repeat(2 * MAX) : line))
        .keyBy(() => "k")
        .count()
        .to(
          out.from(({ value }) => {
            if (value === 2) throw new Error("two");
            return String(value);
          }),
        ),
    );
    await using driver = await testDriver(failing);
    await driver.send(lines, "a", "big", "c");
    expect(await driver.read(out)).toEqual(["1"]);
    expect((await driver.deadLetters(failing)).map(({ value }) => value)).toEqual([null, expect.anything()]);
  });
});

describe("a partial result that is too large for a bundle", () => {
  const collecting = operator(
    "collecting",
    stream(lines)
      .keyBy((line) => line.slice(0, 1))
      .window(tumbling(milliseconds(5_000)))
      .aggregate((on) => on.collect())
      .to(out.from(({ key, value }) => `${key} ${value.length}`)),
  );

  test("crosses in pieces", async () => {
    await using driver = await testDriver(collecting);
    const parts = Array.from({ length: 4 }, (_, i) => at(1_000 + i, `a${noise(MAX / 2, i)}`));
    await driver.send(lines, ...parts, at(2_000, "b"));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await driver.read(out)).sort()).toEqual(["a 4", "b 1"]);
    expect(await driver.deadLetters(collecting)).toEqual([]);
  });
});

describe("a key that is too large", () => {
  test("is a dead letter", async () => {
    const wide = topic("wide", { key: text(), value: json<number>() });
    const keyed = operator(
      "keyed",
      stream(lines)
        .keyBy((line) => (line === "big" ? noise(2 * MAX, 3) : line))
        .count()
        .to(wide.from(({ value }) => value)),
    );
    await using driver = await testDriver(keyed);
    await driver.send(lines, "a", "big");
    expect(await driver.read(wide)).toEqual([1]);
    expect(await driver.deadLetters(keyed)).toHaveLength(1);
  });
});
