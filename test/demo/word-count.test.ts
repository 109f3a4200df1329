/** Whole runs of the word count over small texts: straight, with crashes, with bad lines, and broken off and resumed. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Progress } from "../../demo/progress.ts";
import type { Screen } from "../../demo/screen.ts";
import { type RunOptions, runWordCount } from "../../demo/word-count.ts";

const root = resolve(import.meta.dirname, "../..");
const SILENT: Screen<Progress> = { show() {}, say() {}, close() {} };

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-demo-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let runs = 0;
function options(more: Partial<RunOptions> = {}): RunOptions {
  runs += 1;
  return {
    kind: "run",
    inputs: [join(root, "LICENSE")],
    crash: 0,
    seed: undefined,
    json: true,
    services: undefined,
    root,
    stateFolder: join(folder, `state-${runs}`),
    inputFolder: folder,
    standardInput: (async function* () {})(),
    screen: SILENT,
    isWatched: false,
    signal: new AbortController().signal,
    onProblem: (sentence) => expect.fail(sentence),
    ...more,
  };
}

describe.concurrent("a run", () => {
  test("over a file is verified", async () => {
    const summary = await runWordCount(options());
    expect(summary).toMatchObject({ verified: true, lines: 201, words: 1608, late: 0, repeats: 0, resumed: false });
  });

  test("while someone watches shows how it goes", async () => {
    const shown: number[] = [];
    const said: string[] = [];
    const screen: Screen<Progress> = {
      ...SILENT,
      show: ({ linesDone }) => shown.push(linesDone),
      say: (line) => said.push(line),
    };
    const summary = await runWordCount(options({ isWatched: true, screen, seed: 3 }));
    expect(summary).toMatchObject({ verified: true, seed: 3 });
    expect(said).toEqual(["Counting the words in 201 lines of 1 file, with the seed 3."]);
    expect(shown.at(-1)).toBe(201);
  });

  test.each([11, 12, 13])(
    "with crashes is verified (seed %i)",
    async (seed) => {
      const summary = await runWordCount(options({ crash: 0.6, seed }));
      expect(summary).toMatchObject({ verified: true, lines: 201, late: 0, crash: 0.6, seed });
    },
    60_000,
  );

  test("over standard input with lines that are no text, and one that is too long", async () => {
    const input = [
      Buffer.from("one two\n\xff\xfe\n", "latin1"),
      Buffer.alloc(300_000, "x"),
      Buffer.from("\r\ntwo\n\n"),
    ];
    const summary = await runWordCount(
      options({
        inputs: ["-"],
        standardInput: (async function* () {
          yield* input;
        })(),
      }),
    );
    expect(summary).toMatchObject({ verified: true, lines: 4, words: 3, unreadableLines: 1, linesTooLong: 1 });
  });

  test("over nothing says so", async () => {
    expect(await runWordCount(options({ inputs: ["-"] }))).toBe("nothing to count");
  });

  test("that was broken off is gone on with, and not begun twice", async () => {
    const stateFolder = join(folder, "broken-off");
    const abort = new AbortController();
    const file = join(folder, "many.txt");
    writeFileSync(file, "to be or not to be\n".repeat(10_000));
    const stopping: Screen<Progress> = { ...SILENT, show: ({ linesDone }) => linesDone >= 4_000 && abort.abort() };
    const first = runWordCount(
      options({ inputs: [file], stateFolder, screen: stopping, signal: abort.signal, seed: 5 }),
    );
    await expect(first).rejects.toMatchObject({ name: "AbortError" });

    const said: string[] = [];
    const screen: Screen<Progress> = { ...SILENT, say: (line) => said.push(line) };
    const second = await runWordCount(options({ inputs: [file], stateFolder, screen }));
    expect(second).toMatchObject({ verified: true, resumed: true, seed: 5, lines: 10_000, repeats: 0 });
    expect(said[0]).toBe("An unfinished run of the same lines was found; going on with it.");

    const third = await runWordCount(options({ inputs: [file], stateFolder, seed: 6 }));
    expect(third).toMatchObject({ verified: true, resumed: false, seed: 6, lines: 10_000 });
  });

  test("that was stopped while it counted leaves nothing behind that goes on", async () => {
    const abort = new AbortController();
    const stopping: Screen<Progress> = { ...SILENT, show: ({ phase }) => phase === "counting" && abort.abort() };
    const stopped = runWordCount(options({ isWatched: true, screen: stopping, signal: abort.signal }));
    await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
  });

  test("beside another one in the same folder is refused", async () => {
    const stateFolder = join(folder, "shared");
    const running = runWordCount(options({ stateFolder }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await expect(runWordCount(options({ stateFolder }))).rejects.toMatchObject({ code: "state-unusable" });
    expect(await running).toMatchObject({ verified: true });
  });
});
