/** Command lines from end to end, over the application of this repository and a state folder of their own. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { openWorkspace } from "../../lib/local/workspace.ts";
import { TestTerminal } from "./test-terminal.ts";

const root = resolve(import.meta.dirname, "../..");

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(args: readonly string[], input: string | Uint8Array = "", where = folder) {
  const terminal = new TestTerminal(where, input);
  const code = await main(args, terminal);
  return { code, output: terminal.output, errors: terminal.errors };
}

/** Over the application of this repository, with the state in a folder of that name. */
function place(state: string): string[] {
  return ["--app", root, "--state", join(folder, state)];
}

const COMMANDS = [
  ["topology"],
  ["run"],
  ["topics", "list"],
  ["topics", "produce"],
  ["topics", "read"],
  ["tables", "list"],
  ["tables", "show"],
  ["state", "list"],
  ["state", "show"],
  ["state", "reset"],
  ["dlq", "list"],
  ["dlq", "show"],
  ["dlq", "redrive"],
  ["cost"],
];

describe("help", () => {
  test.each(COMMANDS)("of %s %s has examples", async (...command) => {
    const { code, output, errors } = await run([...command, "--help"]);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output).toContain(`Usage: millrace ${command.join(" ")}`);
    expect(output).toMatch(/\nExamples:\n {2}\$ /);
    expect(output).toContain("--app <folder>");
  });

  test("of esm, which needs no application, has examples", async () => {
    const { code, output } = await run(["esm", "--help"]);
    expect(code).toBe(0);
    expect(output).toMatch(/\nExamples:\n {2}\$ millrace esm --topic orders --handler/);
  });

  test("of millrace names every command", async () => {
    const { code, output } = await run(["--help"]);
    expect(code).toBe(0);
    for (const [command] of COMMANDS) expect(output).toMatch(new RegExp(`^  ${command} `, "m"));
  });

  test("is what one gets without a command", async () => {
    for (const args of [[], ["topics"], ["state"]]) {
      const { code, errors } = await run(args);
      expect(code).toBe(2);
      expect(errors).toContain("Usage: millrace");
    }
  });
});

describe("a wrong call gets a sentence and exit code 2", () => {
  const app = ["--app", root];
  test.each([
    [["frobnicate"], "Unknown command 'frobnicate'. See `millrace --help`.\n"],
    [["topologie"], "Unknown command 'topologie' (Did you mean topology?) See `millrace --help`.\n"],
    [["topics", "read"], "Missing required argument 'topic'. See `millrace topics read --help`.\n"],
    [
      ["topology", ...app, "--json", "--mermaid"],
      "Option '--mermaid' cannot be used with option '--json'. See `millrace topology --help`.\n",
    ],
    [
      ["topics", "read", "lines", "--limit", "0"],
      "Option '--limit <n>' argument '0' is invalid. It takes a whole number from 1 on. See `millrace topics read --help`.\n",
    ],
    [
      ["topics", "list", ...app, "--state", "nothing"],
      "There is no state in nothing. `millrace run` makes it, or name another folder with --state.\n",
    ],
    [
      ["topics", "produce", "nope", ...app, "--state", "s"],
      'There is no topic "nope"; there are: lines, clean-lines and word-counts.\n',
    ],
    [
      ["topics", "produce", "count-words--by-key", ...app, "--state", "s"],
      'Topic "count-words--by-key" is a shuffle, which only its operator writes.\n',
    ],
    [
      ["topics", "produce", "lines", ...app, "--state", "s", "--key-separator", "="],
      'Topic "lines" declares no key format, so its records have no keys: leave out --key-separator.\n',
    ],
    [
      ["state", "reset", "count-words--by-key", ...app, "--state", "s"],
      '"count-words--by-key" would forget its state, read its input again from the beginning, and write its results again. Add --yes if that is what you want.\n',
    ],
    [
      ["state", "reset", "clean-lines", ...app, "--state", "s", "--yes"],
      'Function "clean-lines" keeps no state that could be reset.\n',
    ],
    [
      ["state", "show", "nope", ...app, "--state", "s"],
      'There is no function "nope"; there are: clean-lines, count-words and count-words--by-key.\n',
    ],
    [
      ["topics", "read", "nope", ...app, "--state", "s"],
      /^There is no topic "nope"; there are: clean-lines, .* and word-counts\.\n$/,
    ],
    [
      ["dlq", "show", "count-words", "3", ...app, "--state", "s"],
      'Operator "count-words" has no dead letter 3; see `millrace dlq list count-words`.\n',
    ],
    [
      ["run", ...app, "--snapshots", "http://bucket"],
      'Snapshots lie in s3://bucket/prefix or in a folder, not in "http://bucket".\n',
    ],
    [["topology", "--app", "nowhere"], /^There is no folder .*nowhere.*functions/],
  ])("%j", async (args, sentence) => {
    await run(["topics", "produce", "lines", ...app, "--state", "s"]);
    const { code, output, errors } = await run(args);
    expect(errors).toEqual(typeof sentence === "string" ? sentence : expect.stringMatching(sentence));
    expect({ code, output }).toEqual({ code: 2, output: "" });
  });

  test("so does an application that does not fit together, with file and operator", async () => {
    const app = join(folder, "broken");
    mkdirSync(join(app, "functions"), { recursive: true });
    const operator = (name: string) =>
      `export const ${name} = operator("twice", stream(topic("in", { value: text() })).to(topic("out-${name}", { value: text() })));`;
    const code = `import { operator, stream, text, topic } from "${join(root, "lib/index.ts")}";\n${operator("a")}\n${operator("b")}\n`;
    writeFileSync(join(app, "functions", "twice.ts"), code);
    const { code: exitCode, errors } = await run(["topology", "--app", app]);
    expect(exitCode).toBe(2);
    expect(errors).toContain('"twice"');
    expect(errors).toContain("twice.ts");
  });
});

describe("topology", () => {
  test("as text names files as they are found from here", async () => {
    const { code, output } = await run(["topology"], "", root);
    expect(code).toBe(0);
    expect(output).toMatch(/^millrace\n/);
    expect(output).toContain("operator count-words  functions/count-words.ts:");
    expect(output).toContain("count-words--by-key");
  });

  test("as JSON and as Mermaid", async () => {
    const { output } = await run(["topology", "--app", root, "--json"]);
    expect(JSON.parse(output)).toMatchObject({
      application: "millrace",
      operators: [{ name: "clean-lines" }, { name: "count-words" }],
    });
    expect((await run(["topology", "--app", root, "--mermaid"])).output).toMatch(/^flowchart LR\n/);
  });
});

describe("topics", () => {
  test("what is produced is read, in order of time, and from the end where nothing else is said", async () => {
    const where = place("topics");
    for (let i = 0; i < 12; i += 1) {
      const produced = await run(
        ["topics", "produce", "lines", ...where, "--timestamp", `${1_000 + i}`],
        `line ${i}\n`,
      );
      expect(produced).toEqual({ code: 0, output: "", errors: "1 record written to lines.\n" });
    }
    const all = await run(["topics", "read", "lines", ...where, "--from-beginning", "--json"]);
    const records = all.output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records.map(({ value }) => value)).toEqual(Array.from({ length: 12 }, (_, i) => `line ${i}`));
    expect(records[4]).toEqual({
      partition: 0,
      offset: 1,
      timestampMs: 1_004,
      key: null,
      value: "line 4",
      headers: {},
    });

    const last = await run(["topics", "read", "lines", ...where, "--limit", "2"]);
    expect(last.output).toBe(
      "2:2       1970-01-01 00:00:01.010  –  line 10\n3:2       1970-01-01 00:00:01.011  –  line 11\n",
    );
    const first = await run(["topics", "read", "lines", ...where, "--limit", "1", "--from-beginning"]);
    expect(first.output).toBe("0:0       1970-01-01 00:00:01.000  –  line 0\n");
    const ten = await run(["topics", "read", "lines", ...where]);
    expect(ten.output.trim().split("\n")).toHaveLength(10);

    const list = await run(["topics", "list", ...where, "--json"]);
    expect(JSON.parse(list.output)).toContainEqual({ name: "lines", kind: "declared", partitions: 4, records: 12 });
  });

  test("a bad line is named, and the others are written", async () => {
    const input = Buffer.from("good\n\xff\nalso good", "latin1");
    const { code, errors } = await run(["topics", "produce", "lines", ...place("bad-lines")], input);
    expect(code).toBe(1);
    expect(errors).toBe(
      "Line 2 is not written. It is not valid UTF-8.\n2 records written to lines.\n1 line of 3 not written.\n",
    );
  });

  test("--key-separator splits, and JSON is checked", async () => {
    const input = 'the={"word":"the","count":1,"windowStartMs":0}\nno key\nx={\n';
    const where = place("keys");
    const { code, errors } = await run(["topics", "produce", "word-counts", ...where, "--key-separator", "="], input);
    expect(code).toBe(1);
    expect(errors).toMatch(
      /^Line 2 is not written\. It has no key: "=" is not in it\.\nLine 3 is not written\. It is not JSON: .*\n/,
    );
    const { output } = await run(["topics", "read", "word-counts", ...where, "--json"]);
    expect(JSON.parse(output)).toMatchObject({ key: "the", value: { word: "the", count: 1, windowStartMs: 0 } });
  });

  test("where only a folder below has state, it is looked at, and that is said", async () => {
    await run(["topics", "produce", "lines", ...place("below/one")], "a\n");
    const { code, errors } = await run(["topics", "list", ...place("below")]);
    expect({ code, errors }).toEqual({ code: 0, errors: "Looking at below/one.\n" });
    await run(["topics", "produce", "lines", ...place("below/two")], "a\n");
    expect((await run(["topics", "list", ...place("below")])).errors).toBe(
      "There is no state in below itself, but in below/one and below/two: name one with --state.\n",
    );
  });
});

test("a run from input to results, with its state and its dead letters, stopped and resumed", async () => {
  const where = place("run");
  await run(["topics", "produce", "lines", ...where, "--timestamp", "2026-01-01T00:00:00Z"], "to be or not to be\n");

  await produceBytes(join(folder, "run"), Uint8Array.of(0x61, 0xff));

  const terminal = new TestTerminal(folder);
  const running = main(["run", ...where], terminal);
  await terminal.shows("Running 2 operators (clean-lines, count-words, count-words--by-key) of millrace");
  expect(await run(["run", ...where])).toMatchObject({
    code: 1,
    errors: expect.stringMatching(/^Somebody else is running on /),
  });

  const following = new TestTerminal(folder);
  const follow = main(["topics", "read", "word-counts", ...where, "--follow"], following);
  await following.shows('"word":"not"');
  await terminal.shows("count-words--by-key: ");
  following.interrupt();
  expect(await follow).toBe(0);

  const { output } = await run(["topics", "read", "word-counts", ...where, "--json"]);
  const counts = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).value);
  const windowStartMs = Date.UTC(2026, 0, 1);
  expect(counts).toHaveLength(4);
  expect(counts).toContainEqual({ word: "to", count: 2, windowStartMs });
  expect((await run(["topics", "read", "clean-lines", ...where])).output).toContain("–  to be or not to be\n");
  const bundles = await run(["topics", "read", "count-words--by-key", ...where, "--from-beginning"]);
  expect(bundles.output).toMatch(/bundle 1 of count-words\/lines-0, watermark .*, \d elements?\n {4}/);

  terminal.interrupt();
  expect(await running).toBe(0);
  expect(terminal.output).toMatch(/Stopped\. The next run goes on from here\.\n$/);

  const states = JSON.parse((await run(["state", "list", ...where, "--json"])).output);
  expect(states).toContainEqual(
    expect.objectContaining({ functionName: "count-words", topic: "lines", partition: 0, checkpoint: 0 }),
  );
  // By now nothing was read for a while: a task is told so, and its watermark followed the clock.
  const { lagMs, watermarkMs } = states.find(
    ({ partition, topic }: { partition: number; topic: string }) => topic === "lines" && partition === 0,
  );
  expect(Math.abs(Date.now() - watermarkMs - lagMs)).toBeLessThan(60_000);
  const behind = states.filter(({ topic }: { topic: string }) => topic === "count-words--by-key");
  expect(behind[0].upstream).toHaveLength(4);
  expect(behind[0].upstream).toContainEqual({ task: "count-words/lines-0", watermarkMs, idle: true, aligned: false });
  const listed = await run(["state", "list", ...where]);
  expect(listed.output).toMatch(/^function +input +commits +checkpoint +watermark +lag +held back by +log/);
  expect(listed.output).toMatch(/\ncount-words--by-key .* \(all idle\) /);
  const shown = await run(["state", "show", "count-words--by-key", ...where]);
  expect(shown.output).toMatch(/^count-words--by-key-0: \d+ commits?, checkpoint \d+/);
  expect((await run(["state", "show", "clean-lines", ...where])).output).toBe(
    "It keeps no state: its outputs follow from its input alone.\n",
  );
  expect((await run(["state", "show", "count-words--by-key", "--key", "to", ...where])).output).toBe(
    'Nothing is remembered of the key "to".\n',
  );
  const letters = await run(["dlq", "list", "count-words", ...where]);
  expect(letters.output).toMatch(/\ncount-words +0 +lines-3 +0 .*The bytes are not valid UTF-8\.\n$/);
  expect((await run(["dlq", "list", "clean-lines", "--json", ...where])).output).toMatch(
    /^{"operator":"clean-lines","number":0,/,
  );
  const letter = await run(["dlq", "show", "count-words", "0", ...where]);
  expect(letter.output).toMatch(/\nposition +lines-3 at offset 0\n(.*\n)+value +base64:Yf8=\n/);

  const reset = await run(["state", "reset", "count-words--by-key", "--yes", ...where]);
  expect(reset.output).toBe("count-words--by-key starts over with the next run, as generation 1.\n");
  const again = new TestTerminal(folder);
  const rerun = main(["run", ...where], again);
  const repeats = new TestTerminal(folder);
  const followAgain = main(
    ["topics", "read", "word-counts", ...where, "--from-beginning", "--follow", "--json"],
    repeats,
  );
  await repeats.showsLines(8);
  again.interrupt();
  repeats.interrupt();
  expect(await Promise.all([rerun, followAgain])).toEqual([0, 0]);
  const values = repeats.output
    .trim()
    .split("\n")
    .map((line) => line.replace(/.*"value":({.*?}).*/, "$1"));
  expect(values).toHaveLength(8);
  expect(new Set(values).size).toBe(4);

  const whole = await run(["state", "reset", "count-words", "--yes", ...where]);
  expect(whole.output).toBe(
    "count-words--by-key starts over with the next run, as generation 2.\ncount-words starts over with the next run, as generation 1.\n",
  );
  const third = new TestTerminal(folder);
  const lastRun = main(["run", ...where], third);
  const all = new TestTerminal(folder);
  const followAll = main(["topics", "read", "word-counts", ...where, "--from-beginning", "--follow", "--json"], all);
  await all.showsLines(12);
  third.interrupt();
  all.interrupt();
  expect(await Promise.all([lastRun, followAll])).toEqual([0, 0]);
  // Everything again, and the same: what the shuffle still held from before was not counted beside it.
  expect(
    new Set(
      all.output
        .trim()
        .split("\n")
        .map((line) => line.replace(/.*"value":({.*?}).*/, "$1")),
    ).size,
  ).toBe(4);
});

test("Ctrl-C again while a run stops ends it at once, with a sentence", async () => {
  class Impatient extends TestTerminal {
    override err(text: string): void {
      super.err(text);
      if (text.startsWith("Stopping;")) this.interrupt();
    }
  }
  const terminal = new Impatient(folder);
  const running = main(["run", ...place("impatient")], terminal);
  await terminal.shows("Ctrl-C stops.");
  terminal.interrupt();
  await running;
  expect(terminal.exitCode).toBe(130);
  expect(terminal.errors).toContain("Stopped at once. Nothing is lost: the next run goes on from the last commits.\n");
});

/** What no command would write: bytes that do not fit the topic's format. */
async function produceBytes(stateFolder: string, value: Uint8Array): Promise<void> {
  const workspace = await openWorkspace(undefined, { folder: stateFolder, exclusive: false });
  const records = [{ key: null, value, timestampMs: Date.UTC(2026, 0, 1), headers: [] }];
  await workspace.broker.produce([{ topic: "lines", partition: 3, records }]);
  await workspace.close();
}
