/** The package as users get it: packed, installed in an empty folder, type-checked, run. */

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
/** The Node that runs this test, for every program it starts. */
const ENV = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`, NO_COLOR: "1" };
const POLL_MS = 200;
const POLLS_MAX = 150;

/** The files of the README that are run. */
const FILES = ["functions/topics.ts", "functions/revenue.ts", "test/revenue.test.ts"];

/** The files that a document shows, by their names; as they stand there, but for the time that a quiet topic waits. */
function filesShownIn(document: string): ReadonlyMap<string, string> {
  const blocks = readFileSync(join(ROOT, document), "utf8").split("```ts\n// ").slice(1);
  return new Map(
    blocks.map((block) => {
      const [name = "", ...lines] = (block.split("\n```")[0] ?? "").split("\n");
      return [name, lines.join("\n").replace("seconds(30)", "seconds(0.5)")];
    }),
  );
}

const SHOWN = filesShownIn("docs/operators.md");

const INFERENCE = `
import { type Operator, stream } from "millrace";
import { handler } from "../functions/revenue.ts";
import { orders } from "../functions/topics.ts";

export const named: Operator<"revenue"> = handler;
export const cents = stream(orders).map((order) => order.cents satisfies number);
// @ts-expect-error: an order has no price
export const wrong = stream(orders).map((order) => order.price);
`;

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-package-"));
  // Built by itself: npm's own life cycle would relink the programs that other tests are running.
  run("npm", ["run", "build"], ROOT);
  run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], ROOT);
  const tarball = readdirSync(folder).find((file) => file.endsWith(".tgz")) ?? "";
  for (const name of ["functions", "test", "check", "shown/functions"])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "shop", private: true, type: "module" }));
  const readme = filesShownIn("README.md");
  for (const file of FILES) writeFileSync(join(folder, file), readme.get(file) ?? "The README shows it no more.");
  for (const [file, text] of filesShownIn("docs/cost.md")) writeFileSync(join(folder, file), text);
  for (const [file, text] of SHOWN) writeFileSync(join(folder, "shown", file), text);
  writeFileSync(join(folder, "check/inference.ts"), INFERENCE);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: "millrace/tsconfig.json", include: ["functions", "check"] }),
  );
  // Its dependencies come from here, so that this needs no registry.
  const own = Object.keys(
    (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { dependencies: object }).dependencies,
  );
  const dependencies = own.map((name) => `${name}@file:${join(ROOT, "node_modules", name)}`);
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", join(folder, tarball), ...dependencies], folder);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("type-checks in an empty folder, and infers everything", () => {
  expect(errorsIn(folder)).toBe("");
}, 60_000);

test("type-checks what the documents show", () => {
  expect([...SHOWN.keys()]).toContain("functions/unpaid.ts");
  // They call what Node has.
  const compilerOptions = { typeRoots: [join(ROOT, "node_modules/@types")], types: ["node"] };
  const shown = join(folder, "shown");
  writeFileSync(
    join(shown, "tsconfig.json"),
    JSON.stringify({ extends: "millrace/tsconfig.json", compilerOptions, include: ["functions"] }),
  );
  expect(errorsIn(shown)).toBe("");
}, 60_000);

test("synthesizes the stack that the document on deploying shows, with its bundles and by its command", () => {
  for (const [file, text] of filesShownIn("docs/deploy.md")) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  for (const name of ["aws-cdk-lib", "constructs", "esbuild"])
    symlinkSync(join(ROOT, "node_modules", name), join(folder, "node_modules", name));
  const document = readFileSync(join(ROOT, "docs/deploy.md"), "utf8");
  const [, program = "", file = ""] = /\{ "app": "(node) (\S+)" \}/.exec(document) ?? [];
  execFileSync(program, [file], { cwd: folder, env: { ...ENV, CDK_OUTDIR: join(folder, "cdk.out") } });
  const made = readdirSync(join(folder, "cdk.out"), { recursive: true, encoding: "utf8" });
  expect(made).toContain("Shop.template.json");
  expect(made.filter((name) => name.endsWith("index.mjs")).length).toBeGreaterThanOrEqual(2);
}, 120_000);

test("runs the README's test with Node's own runner", () => {
  expect(run(process.execPath, ["--test", "test/revenue.test.ts"], folder)).toContain("pass 1");
}, 60_000);

test("runs the test of a budget, which loads a simulated DynamoDB out of the package", () => {
  expect(run(process.execPath, ["--test", "test/revenue-cost.test.ts"], folder)).toContain("pass 1");
}, 60_000);

test("runs an operator file of its own with npx millrace run", async () => {
  const running = spawn("npx", ["millrace", "run"], {
    cwd: folder,
    env: ENV,
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, which gets Ctrl-C as from a terminal: npx and what it runs.
    detached: true,
  });
  try {
    let said = "";
    running.stdout.on("data", (bytes) => (said += String(bytes)));
    running.stderr.on("data", (bytes) => (said += String(bytes)));
    await until(
      () => said.includes("Running"),
      () => said,
    );

    const orders = [
      { id: "1", country: "CH", cents: 500, at: 1_000 },
      { id: "2", country: "CH", cents: 250, at: 59_999 },
      { id: "3", country: "DE", cents: 100, at: 60_000 },
    ];
    run(
      "npx",
      ["millrace", "topics", "produce", "orders"],
      folder,
      orders.map((order) => `${JSON.stringify(order)}\n`).join(""),
    );
    const read = () => run("npx", ["millrace", "topics", "read", "revenue", "--from-beginning", "--json"], folder);
    await until(
      () => read().split("\n").length > 2,
      () => `${said}\n${read()}`,
    );

    const values = read()
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { value: unknown }).value);
    expect(values).toHaveLength(2);
    expect(values).toContainEqual({ country: "CH", cents: 750, orders: 2 });
    expect(values).toContainEqual({ country: "DE", cents: 100, orders: 1 });
  } finally {
    process.kill(-(running.pid as number), "SIGINT");
    await new Promise((ended) => (running.exitCode === null ? running.once("exit", ended) : ended(undefined)));
  }
}, 120_000);

function errorsIn(project: string): string {
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  return spawnSync(process.execPath, [compiler, "-p", project], { cwd: project, encoding: "utf8" }).stdout;
}

function run(program: string, args: readonly string[], cwd: string, input = ""): string {
  return execFileSync(program, args, { cwd, env: ENV, input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
}

async function until(isSo: () => boolean, describe: () => string): Promise<void> {
  for (let poll = 0; poll < POLLS_MAX; poll++) {
    if (isSo()) return;
    await new Promise((resume) => setTimeout(resume, POLL_MS));
  }
  throw new Error(`It did not happen in time.\n${describe()}`);
}
