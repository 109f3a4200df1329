/** The table of pattern-cases.ts, through a whole operator: straight, and with everything but the log forgotten after every batch. */

import { at, boundedOutOfOrderness, json, milliseconds, operator, stream, testDriver, topic } from "millrace";
import { describe, expect, test } from "vitest";
import { PATTERN_CASES } from "./pattern-cases.ts";
import { buildPattern, type Letter, parsePattern, parseSequence } from "./pattern-notation.ts";

const letters = topic("letters", {
  value: json<Letter>(),
  timestampOf: ({ timestampMs }) => timestampMs,
  watermark: boundedOutOfOrderness(milliseconds(1_000_000)),
});
const found = topic("found", { value: json<string>(), partitions: 1 });

/** The matches of a pattern in a sequence, up to the time of its last element. */
async function matchesOf(pattern: string, sequence: string, restartAfterEveryBatch: boolean): Promise<string[]> {
  const handler = operator(
    "patterns",
    stream(letters)
      .keyBy(() => "all")
      .pattern((p) => buildPattern(parsePattern(pattern), p))
      .select((match) => {
        const elements = Object.values(match as Record<string, undefined | Letter | readonly Letter[]>)
          .flat()
          .filter((element) => element !== undefined);
        return elements.sort((a, b) => a.timestampMs - b.timestampMs).map(({ name }) => name);
      })
      .to(found.from((names) => names.join(" "))),
  );
  await using driver = await testDriver(handler, { restartAfterEveryBatch });
  const elements = parseSequence(sequence);
  for (const element of elements) {
    await driver.send(letters, at(element.timestampMs, element));
    if (restartAfterEveryBatch) await driver.advanceWatermark(element.timestampMs);
  }
  await driver.advanceWatermark(elements.at(-1)?.timestampMs as number);
  return (await driver.read(found)).sort();
}

for (const [rule, cases] of Object.entries(PATTERN_CASES))
  describe(rule, () => {
    test.each(cases)("%s, of %s", async (pattern, sequence, matches) => {
      const expected = matches === "" ? [] : matches.split(" | ").sort();
      expect(await matchesOf(pattern, sequence, false)).toEqual(expected);
      expect(await matchesOf(pattern, sequence, true)).toEqual(expected);
    });
  });
