/** Tables in the workspace of an application: rows equal a plain count under faults, and the command line shows them. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { openWorkspace } from "../../lib/local/workspace.ts";
import { countFaults, createFaults } from "../../lib/simulation/faults.ts";
import { TestTerminal } from "../cli/test-terminal.ts";
import { expectedTotals, readTotals, totalApplication } from "./total-application.ts";
import { linesOf, writeLines } from "./word-application.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-tables-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("O1, O2: rows are those of a plain count, however much goes wrong on the way", { timeout: 60_000 }, async () => {
  const runSeed = async (seed: number) => {
    const application = totalApplication();
    const workspace = await openWorkspace(application, { folder: join(folder, `${seed}`), exclusive: true });
    const input = linesOf(seed, 300);
    await writeLines(workspace.broker, input);
    const faults = createFaults({ seed, probability: 0.4 });
    const runtime = await startLocalRuntime({ application, workspace, faults, batchSize: 5 });
    await runtime.quiet();
    await runtime.stop();
    expect(await readTotals(workspace.tables!, application), `seed ${seed}`).toEqual(expectedTotals(input));
    expect(countFaults(faults.counts)).toBeGreaterThan(10);
    await workspace.close();
  };
  await Promise.all([1, 2, 3, 4, 5, 6].map(runSeed));
});

const MILLRACE = resolve(import.meta.dirname, "../../lib/index.ts");

test("the command line lists tables, and shows rows that are there", async () => {
  const app = join(folder, "shop");
  mkdirSync(join(app, "functions"), { recursive: true });
  writeFileSync(join(app, "package.json"), '{ "name": "shop", "type": "module" }');
  writeFileSync(
    join(app, "functions", "prices.ts"),
    `import { days, dynamoTable, json, operator, stream, topic } from "${MILLRACE}";
    export const prices = topic("prices", { value: json() });
    const newest = dynamoTable("newest", { partitionKey: { name: "id", value: (p) => p.id }, item: (p) => p.price === null ? null : p, ttl: days(1) });
    export const handler = operator("keep-newest", stream(prices).to(newest));`,
  );
  const run = async (...args: string[]) => {
    const terminal = new TestTerminal(app, "");
    const code = await main(args, terminal);
    return { code, output: terminal.output, errors: terminal.errors };
  };
  const { loadApplication } = await import("../../lib/local/application.ts");
  const application = await loadApplication(app);
  const workspace = await openWorkspace(application, { folder: join(app, ".millrace"), exclusive: false });
  const values = ['{"id":"b","price":2}', '{"id":"a","price":1}', '{"id":"c","price":null}'];
  const records = values.map((value) => ({
    key: null,
    value: new TextEncoder().encode(value),
    timestampMs: 1,
    headers: [],
  }));
  await workspace.broker.produce([{ topic: "prices", partition: 0, records }]);
  const runtime = await startLocalRuntime({ application, workspace });
  await runtime.quiet();
  await runtime.stop();
  await workspace.close();

  expect((await run("tables", "list")).output).toBe(
    "table   partition key  sort key  written by\nnewest  id (string)    –         keep-newest\n",
  );
  expect(JSON.parse((await run("tables", "list", "--json")).output)).toEqual([
    {
      name: "newest",
      partitionKey: { name: "id", type: "string" },
      sortKey: null,
      writtenBy: ["keep-newest"],
    },
  ]);
  const shown = await run("tables", "show", "newest");
  expect(shown.output).toMatch(/^id +attributes +expires\na +\{"price":1\} +\d{4}-.*\nb +\{"price":2\} +\d{4}-.*\n$/);
  const json = (await run("tables", "show", "newest", "--json", "--limit", "1")).output.trim().split("\n");
  expect(json.map((line) => JSON.parse(line))).toEqual([{ id: "a", price: 1, ttl: expect.any(Number) }]);
  expect(await run("tables", "show", "oldest")).toEqual({
    code: 2,
    output: "",
    errors: 'There is no table "oldest"; there are: newest.\n',
  });
});
