/** The screen draws in place on a terminal, and speaks in lines where there is none. */

import { Writable } from "node:stream";
import { expect, test } from "vitest";
import type { Progress } from "../../demo/progress.ts";
import { openScreen } from "../../demo/screen.ts";
import { WORD_COUNT_VIEW } from "../../demo/screen-model.ts";

const PROGRESS: Progress = {
  phase: "counting",
  lines: 10,
  linesDone: 5,
  linesPerSecond: 100,
  watermarkMs: undefined,
  windowsClosed: 0,
  results: 0,
  newestWindow: undefined,
  injected: undefined,
};

function newStream(columns: number, rows: number) {
  const writes: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(text, _encoding, done) {
      writes.push(text);
      done();
    },
  });
  return { writes, stream: Object.assign(stream, { columns, rows, isTTY: false }) as unknown as NodeJS.WriteStream };
}

test("a frame goes over the one before, in one write, and the cursor comes back", () => {
  const { writes, stream } = newStream(40, 24);
  const screen = openScreen("live", stream, WORD_COUNT_VIEW);
  screen.show(PROGRESS);
  screen.show(PROGRESS);
  screen.close();
  expect(writes).toHaveLength(3);
  const [first = "", second = "", last] = writes;
  const lineCount = first.split("\n").length - 1;
  expect(second).toBe(first.replace("\u001b[?25l", `\u001b[?25l\u001b[${lineCount}F`));
  expect(last).toBe("\u001b[?25h\n");
});

test("colours are left out where the stream has none", () => {
  const { writes, stream } = newStream(40, 24);
  openScreen("live", stream, WORD_COUNT_VIEW).show(PROGRESS);
  expect(writes.join("")).not.toContain("\u001b[3");
});

test("what is said stays above the frame", () => {
  const { writes, stream } = newStream(40, 24);
  const screen = openScreen("live", stream, WORD_COUNT_VIEW);
  screen.show(PROGRESS);
  screen.say("Something happened.");
  const lineCount = (writes[0] ?? "").split("\n").length - 1;
  expect(writes[1]).toBe(`\u001b[${lineCount}F\u001b[JSomething happened.\n`);
  expect(writes[2]).toBe(writes[0]);
});

test("a low terminal gets fewer lines than it has", () => {
  const { writes, stream } = newStream(40, 3);
  openScreen("live", stream, WORD_COUNT_VIEW).show(PROGRESS);
  expect(writes[0]?.split("\n")).toHaveLength(3);
});

test("without a terminal there are plain lines, at most one a second", () => {
  const { writes, stream } = newStream(40, 24);
  const screen = openScreen("plain", stream, WORD_COUNT_VIEW);
  screen.say("A line.");
  for (let i = 0; i < 100; i += 1) screen.show(PROGRESS);
  screen.close();
  expect(writes).toEqual(["A line.\n"]);
});

test("--json shows nothing", () => {
  const { writes, stream } = newStream(40, 24);
  const screen = openScreen("silent", stream, WORD_COUNT_VIEW);
  screen.say("A line.");
  screen.show(PROGRESS);
  screen.close();
  expect(writes).toEqual([]);
});
