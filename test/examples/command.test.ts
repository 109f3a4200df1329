/** `npm run example` as a process: what it prints, and how it exits. */

import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { EXAMPLES } from "../../examples/catalogue.ts";

const START = resolve(import.meta.dirname, "../../examples/start.ts");

function start(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const flags = ["--conditions=millrace-source", "--disable-warning=ExperimentalWarning"];
  return new Promise((done) => {
    const child = execFile(process.execPath, [...flags, START, ...args], (_, stdout, stderr) =>
      done({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

describe.concurrent("npm run example", () => {
  test("lists the examples, as a table or as JSON", async () => {
    const { code, stdout } = await start();
    expect(code).toBe(0);
    for (const { name, title } of EXAMPLES) {
      expect(stdout).toMatch(new RegExp(`^${name} `, "m"));
      expect(stdout).toContain(title);
    }
    const listed = JSON.parse((await start("--list", "--json")).stdout);
    expect(listed).toEqual(EXAMPLES.map(({ name, title }) => ({ name, title })));
  });

  test("says what it verified", async () => {
    const { code, stdout, stderr } = await start("data-cleaning", "--records", "200", "--seed", "7");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Verified: \d+ results equal a direct computation \(clean-sign-ups \d+, .*; seed 7\)\.$/m);
  });

  test("exits with 2 for what cannot be carried out", async () => {
    expect(await start("logs")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^There is no example "logs"/),
    });
  });
});
