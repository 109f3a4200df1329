/** Loading an application: one sentence for everything that is no application. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { loadApplication } from "../../lib/local/application.ts";

const folders: string[] = [];

/** A folder with these files in `functions`; each imports from the package by its name, as users do. */
function applicationOf(files: Readonly<Record<string, string>>): string {
  // Inside of the repository, so that "millrace" is found by its own name.
  const folder = mkdtempSync(join(import.meta.dirname, ".application-"));
  folders.push(folder);
  mkdirSync(join(folder, "functions"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, "functions", name), text);
  return folder;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const IMPORTS = `import { operator, stream, text, topic } from "millrace";\n`;
const TOPICS = `const lines = topic("lines", { value: text() });\nconst out = topic("out", { value: text() });\n`;
const operatorCalled = (name: string) => `operator(${JSON.stringify(name)}, stream(lines).to(out))`;

describe("an application", () => {
  test("has all operators that its files export, under whatever names", async () => {
    const folder = applicationOf({
      "two.ts": `${IMPORTS}${TOPICS}export const handler = ${operatorCalled("first")};\nexport const second = ${operatorCalled("second")};\n`,
      "topics.ts": `export const unrelated = 1;\n`,
    });
    const { operators, topology } = await loadApplication(folder);
    expect(operators.map(({ operatorName }) => operatorName)).toEqual(["first", "second"]);
    expect(topology.functions).toHaveLength(2);
  });

  test("whose package.json cannot be read is told so", async () => {
    const folder = applicationOf({ "a.ts": `${IMPORTS}${TOPICS}export const handler = ${operatorCalled("a")};\n` });
    writeFileSync(join(folder, "package.json"), "{ name: shop }");
    await expect(loadApplication(folder)).rejects.toThrow(/package\.json is not JSON: /);
  });

  test.each([
    ["no folder of functions", undefined, /There is no folder .*functions\. .*--app\./],
    ["no operator", { "topics.ts": "export const unrelated = 1;\n" }, /exports an operator/],
    [
      "a file that exports nothing",
      { "a.ts": `${IMPORTS}${TOPICS}${operatorCalled("a")};\n` },
      /a\.ts exports nothing\. Export its operator/,
    ],
    [
      "a handler that hides its operator",
      { "a.ts": "export const handler = async () => {};\n" },
      /a\.ts exports a handler that is not an operator\..*wrap/,
    ],
    ["a file that cannot be loaded", { "a.ts": "export const handler = ;\n" }, /a\.ts cannot be loaded: /],
    ["a file that throws", { "a.ts": `throw new Error("no luck");\n` }, /a\.ts cannot be loaded: no luck/],
    [
      "two operators of one name",
      {
        "a.ts": `${IMPORTS}${TOPICS}export const one = ${operatorCalled("same")};\nexport const two = ${operatorCalled("same")};\n`,
      },
      /"same"/,
    ],
  ])("is not %s", async (_, files, sentence) => {
    const folder = files === undefined ? mkdtempSync(join(tmpdir(), "millrace-empty-")) : applicationOf(files);
    folders.push(folder);
    await expect(loadApplication(folder)).rejects.toThrow(sentence);
  });
});
