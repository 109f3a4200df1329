/** `millrace deploy`: what is refused before anything is deployed. That it deploys: test/services/deployed.test.ts. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { TestTerminal } from "./test-terminal.ts";

const EMULATOR = ["--endpoint", "http://127.0.0.1:1"];

test.each([
  [EMULATOR, "--local"],
  [["--local"], "Where is the emulator? Say --endpoint http://127.0.0.1:4566, or set AWS_ENDPOINT_URL."],
  [["--local", "--endpoint", "here"], "Where is the emulator?"],
  [["--local", "--destroy", ...EMULATOR], "npm install --save-dev aws-cdk@2."],
])("%j is refused with a sentence", async (args, sentence) => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-deploy-"));
  const terminal = new TestTerminal(folder);
  expect(await main(["deploy", ...args], terminal)).toBe(2);
  expect(terminal.errors).toContain(sentence);
  expect(terminal.output).toBe("");
  rmSync(folder, { recursive: true, force: true });
});
