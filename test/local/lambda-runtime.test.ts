/** Functions in processes of their own: what Lambda does to them happens to them here. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { FunctionCode, InvocationReport } from "../../lib/local/lambda-runtime/execution-environment.ts";
import { LocalLambda } from "../../lib/local/lambda-runtime/local-lambda.ts";

// A process has to start in each, where others use the machine too.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
const open: LocalLambda[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-function-"));
});
afterEach(async () => {
  for (const lambda of open.splice(0)) await lambda.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A function of this source, with a handler called `handler`. */
function lambdaOf(source: string, changed: Partial<FunctionCode> = {}): LocalLambda {
  const taskRoot = join(folder, "asset");
  mkdirSync(taskRoot, { recursive: true });
  writeFileSync(join(taskRoot, "index.mjs"), source);
  const lambda = new LocalLambda({
    name: "shop-count",
    handler: "index.handler",
    taskRoot,
    memoryMb: 256,
    timeoutSeconds: 30,
    jsonLogs: false,
    environment: {},
    ...changed,
  });
  open.push(lambda);
  return lambda;
}

const responseOf = ({ outcome }: InvocationReport): unknown =>
  outcome.kind === "succeeded" ? JSON.parse(outcome.responseText) : outcome;

const COUNTING =
  "let calls = 0; export const handler = async (event) => ({ calls: ++calls, event, pid: process.pid });";

describe("an environment", () => {
  test("loads the code once, for as many invocations as come one after the other", async () => {
    const lambda = lambdaOf(COUNTING);
    const first = await lambda.invoke('{"n":1}');
    const second = await lambda.invoke('{"n":2}');
    expect(responseOf(first)).toMatchObject({ calls: 1, event: { n: 1 } });
    expect(responseOf(second)).toMatchObject({ calls: 2, event: { n: 2 } });
    expect(first.initMs).toBeGreaterThan(0);
    expect(second.initMs).toBeUndefined();
  });

  test("is one of several where invocations overlap", async () => {
    const lambda = lambdaOf(COUNTING);
    const both = await Promise.all([lambda.invoke("1"), lambda.invoke("2")]);
    expect(new Set(both.map((report) => (responseOf(report) as { pid: number }).pid)).size).toBe(2);
  });

  test("stands still between invocations: no timer of it runs", async () => {
    const beats = join(folder, "beats");
    const lambda = lambdaOf(`import { appendFileSync } from "node:fs";
      setInterval(() => appendFileSync(${JSON.stringify(beats)}, "."), 5);
      export const handler = () => new Promise((resolve) => setTimeout(resolve, 100));`);
    await lambda.invoke("{}");
    const before = readFileSync(beats, "utf8").length;
    expect(before).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(readFileSync(beats, "utf8").length).toBe(before);
    await lambda.invoke("{}");
    expect(readFileSync(beats, "utf8").length).toBeGreaterThan(before);
  });

  test("has the variables that Lambda sets and those of the function, its code as the current folder, and nothing of ours", async () => {
    process.env.MILLRACE_OF_THE_PARENT = "secret";
    const lambda = lambdaOf(
      "export const handler = (_, context) => ({ env: process.env, cwd: process.cwd(), context, left: context.getRemainingTimeInMillis() });",
      { environment: { OWN: "value", AWS_REGION: "eu-north-1" } },
    );
    const { env, cwd, context, left } = responseOf(await lambda.invoke("{}")) as Record<string, unknown> & {
      readonly env: Record<string, string | undefined>;
    };
    delete process.env.MILLRACE_OF_THE_PARENT;
    expect(env).toMatchObject({
      OWN: "value",
      AWS_REGION: "eu-north-1",
      AWS_LAMBDA_FUNCTION_NAME: "shop-count",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
      _HANDLER: "index.handler",
    });
    expect(env.MILLRACE_OF_THE_PARENT).toBeUndefined();
    expect(cwd).toMatch(/\/var\/task$/);
    expect(cwd).toBe(env.LAMBDA_TASK_ROOT);
    expect(context).toMatchObject({ functionName: "shop-count", memoryLimitInMB: "256" });
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(30_000);
  });

  test("is used on after its handler has thrown, which is reported with its stack", async () => {
    const lambda = lambdaOf(`let calls = 0;
      export const handler = async () => { if (++calls === 1) throw new RangeError("no"); return calls; };`);
    const { outcome } = await lambda.invoke("{}");
    expect(outcome).toMatchObject({ kind: "failed", error: { errorType: "RangeError", errorMessage: "no" } });
    expect(JSON.stringify(outcome)).toContain("index.mjs:2");
    expect(responseOf(await lambda.invoke("{}"))).toBe(2);
  });

  test("is killed when its time is over, and the next invocation has a new one", async () => {
    const lambda = lambdaOf(
      `let calls = 0; export const handler = (hang) => hang ? new Promise(() => setInterval(() => {}, 5)) : ++calls;`,
      { timeoutSeconds: 0.3 },
    );
    expect(responseOf(await lambda.invoke("false"))).toBe(1);
    const hung = await lambda.invoke("true");
    expect(hung.outcome).toMatchObject({ kind: "timed-out", error: { errorType: "Sandbox.Timedout" } });
    const next = await lambda.invoke("false");
    expect(responseOf(next)).toBe(1);
    expect(next.initMs).toBeGreaterThan(0);
  });

  test("that ends by itself fails its invocation; one that was killed while it stood still fails none", async () => {
    const lambda = lambdaOf(`export const handler = (end) => end ? process.exit(3) : process.pid;`);
    expect((await lambda.invoke("true")).outcome).toMatchObject({
      kind: "failed",
      error: { errorType: "Runtime.ExitError", errorMessage: expect.stringContaining("exit code 3") },
    });
    const pid = responseOf(await lambda.invoke("false")) as number;
    process.kill(pid, "SIGKILL");
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow());
    const next = responseOf(await lambda.invoke("false"));
    expect(next).not.toBe(pid);
    expect(typeof next).toBe("number");
  });

  test.each([
    ["throws", `throw new TypeError("broken");`, { errorType: "TypeError", errorMessage: "broken" }],
    ["has no handler", "export const other = 1;", { errorType: "Runtime.HandlerNotFound" }],
    ["ends", "process.exit(4);", { errorMessage: expect.stringContaining("exit code 4") }],
  ])("whose code %s while it is loaded fails its invocation with that", async (_, source, error) => {
    expect((await lambdaOf(source).invoke("{}")).outcome).toMatchObject({ kind: "failed", error });
  });

  test("writes what is said to the console as JSON where the function's logs are, with the invocation's id", async () => {
    const lambda = lambdaOf(`export const handler = () => { console.warn("look", { n: 1 }); return 1; };`, {
      jsonLogs: true,
    });
    const { logs, requestId } = await lambda.invoke("{}");
    expect(JSON.parse(logs)).toMatchObject({ level: "WARN", message: 'look {"n":1}', requestId });
  });
});

test("for a mapping, a failed invocation is a handler that throws", async () => {
  const { handler } = lambdaOf(
    `export const handler = (event) => { if (event.bad) throw new Error("bad"); return [event]; };`,
  ).function as unknown as { handler: (eventText: string) => Promise<unknown> };
  expect(await handler('{"bad":false}')).toEqual([{ bad: false }]);
  await expect(handler('{"bad":true}')).rejects.toThrow("bad");
});

test("whoever is closed leaves no process", async () => {
  const lambda = lambdaOf("export const handler = () => process.pid;");
  const pid = responseOf(await lambda.invoke("{}")) as number;
  await lambda.close();
  expect(() => process.kill(pid, 0)).toThrow();
});
