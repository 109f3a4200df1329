/** `npm run nexmark` as a process: what it prints, and how it exits. */

import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const MAIN = resolve(import.meta.dirname, "../../bench/nexmark/main.ts");

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const flags = ["--conditions=millrace-source", "--disable-warning=ExperimentalWarning"];
  return new Promise((done) => {
    const child = execFile(process.execPath, [...flags, MAIN, ...args], (_, stdout, stderr) =>
      done({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

test("queries are verified, with a line for each or as JSON", { timeout: 60_000 }, async () => {
  const { code, stdout } = await run("q2", "q8", "--events", "3000");
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^q2 {2}selection: [\d,]+ results equal the reference's \([\d.]+ s\)\nq8 {2}monitor new users: /,
  );
  const json = await run("q2", "--events", "3000", "--json");
  expect(json.code).toBe(0);
  expect(JSON.parse(json.stdout)).toMatchObject([{ query: "q2", events: 3_000, problems: [] }]);
});

test("what cannot be carried out is said", { timeout: 60_000 }, async () => {
  const { code, stdout, stderr } = await run("q99");
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^There is no query "q99"; there are q0, /);
});
