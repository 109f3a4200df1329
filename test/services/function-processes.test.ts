/** `millrace run --services`: a process for each function, and killing one is killing one. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanLines, wordCounts } from "../../functions/topics.ts";
import { loadApplication } from "../../lib/local/application.ts";
import { readTopic } from "../../lib/local/read-topic.ts";
import { openServices } from "../../lib/local/services.ts";
import { startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { type KafkaServer, startKafka } from "../../tools/services/kafka.ts";
import { LossyProxy } from "./lossy-proxy.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const LINES = 4_000;
const POLLS_MAX = 600;

let kafka: KafkaServer;
let dynamodb: Awaited<ReturnType<typeof startDynamoDbLocal>>;
beforeAll(async () => {
  [kafka, dynamodb] = await Promise.all([startKafka(), startDynamoDbLocal()]);
});
afterAll(() => Promise.all([kafka?.stop(), dynamodb?.stop()]));

/** The processes of functions that `parent` started, by function. */
function childrenOf(parent: ChildProcess): Map<string, number> {
  const listed = execFileSync("ps", ["-eo", "pid,ppid,args"], { encoding: "utf8" });
  return new Map(
    listed.split("\n").flatMap((line) => {
      const match = /^\s*(\d+)\s+(\d+)\s.*--only (\S+)/.exec(line);
      return match !== null && Number(match[2]) === parent.pid ? [[match[3] as string, Number(match[1])] as const] : [];
    }),
  );
}

async function until<T>(find: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> {
  for (let poll = 0; poll < POLLS_MAX; poll++) {
    const found = await find();
    if (found !== undefined) return found;
    await new Promise((resume) => setTimeout(resume, 100));
  }
  throw new Error(`It took too long until ${what}.`);
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("counts every word once while functions are killed, and all end with the process that started them", async () => {
  const services = { kafka: kafka.bootstrap, dynamodb: dynamodb.endpoint };
  const application = await loadApplication(ROOT);
  const workspace = await openServices(application, services);
  const parent = spawn(
    process.execPath,
    ["bin/millrace.js", "run", "--kafka", services.kafka, "--dynamodb", services.dynamodb],
    { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  parent.stdout.on("data", (bytes) => (said += String(bytes)));
  parent.stderr.on("data", (bytes) => (said += String(bytes)));
  const started = new Set<number>();
  try {
    const names = application.topology.functions.map(({ name }) => name);
    await until(() => (childrenOf(parent).size === names.length ? true : undefined), `all functions run\n${said}`);

    // A window that is still to come: while the watermark may follow the clock, none closes before all its lines are written.
    const baseMs = Math.ceil((Date.now() + 5_000) / 5_000) * 5_000;
    for (let from = 0; from < LINES; from += 500) {
      const batches = [0, 1, 2, 3].map((partition) => ({
        topic: "lines",
        partition,
        records: Array.from({ length: 125 }, (_, i) => {
          const n = from + i * 4 + partition;
          return { key: null, value: Buffer.from(`all word-${n % 7}`), timestampMs: baseMs + n, headers: [] };
        }),
      }));
      await workspace.broker.produce(batches);
      const children = childrenOf(parent);
      for (const pid of children.values()) started.add(pid);
      const victim = children.get((from / 500) % 2 === 0 ? "count-words" : "count-words--by-key");
      if (victim !== undefined) process.kill(victim, "SIGKILL");
      await new Promise((resume) => setTimeout(resume, 400));
    }

    const counted = await until(
      async () => {
        const seen = new Map<string, number>();
        for (const { value, identity } of await readTopic(workspace.broker, wordCounts)) {
          const { word, count, windowStartMs } = value as { word: string; count: number; windowStartMs: number };
          seen.set(`${windowStartMs} ${word} ${JSON.stringify(identity)}`, count);
        }
        const total = [...seen].reduce((sum, [name, count]) => sum + (name.includes(" all ") ? count : 0), 0);
        // More would be a line counted twice; it stays that way, since every window fires once.
        return total >= LINES ? { total, results: seen.size } : undefined;
      },
      `all lines are counted\n${said.slice(-2_000)}`,
    );
    // One window of five seconds: `all` and seven others; `word` stands in each line too.
    expect(counted).toEqual({ total: LINES, results: 9 });
    expect(said).toContain("ended (SIGKILL); it starts again in");
  } finally {
    for (const pid of childrenOf(parent).values()) started.add(pid);
    parent.kill("SIGKILL");
    await workspace.close();
  }
  await until(() => ([...started].some(isAlive) ? undefined : true), "every function ended with its parent");
}, 120_000);

test("a function that starts while DynamoDB refuses says so, is started again less and less often, and works when DynamoDB does", async () => {
  await using proxy = await new LossyProxy(dynamodb.endpoint).listen();
  const application = await loadApplication(ROOT);
  const services = { kafka: kafka.bootstrap, dynamodb: proxy.endpoint };
  const workspace = await openServices(application, services);
  const place = ["--kafka", services.kafka, "--dynamodb", services.dynamodb];
  const parent = spawn(process.execPath, ["bin/millrace.js", "run", ...place], { cwd: ROOT, stdio: "pipe" });
  let said = "";
  for (const stream of [parent.stdout, parent.stderr]) stream.on("data", (bytes) => (said += String(bytes)));
  const count = (pattern: RegExp) => said.match(pattern)?.length ?? 0;
  try {
    const victim = await until(() => childrenOf(parent).get("clean-lines"), `clean-lines runs\n${said}`);
    await until(
      () => (childrenOf(parent).size === application.topology.functions.length ? true : undefined),
      "all run",
    );
    proxy.refuses = () => "UnrecognizedClientException";
    process.kill(victim, "SIGKILL");
    await until(() => (count(/clean-lines ended \(exit code 1\)/g) >= 3 ? true : undefined), `it fails\n${said}`);
    expect(said).toMatch(/^DynamoDB .* refuses the credentials for .* Check which identity is used/m);
    const waits = [...said.matchAll(/clean-lines ended .* starts again in ([\d.]+) s/g)].map(([, wait]) =>
      Number(wait),
    );
    expect(waits).toEqual(waits.map((_, i) => 0.2 * 2 ** i));
    proxy.refuses = () => undefined;
    const record = { key: null, value: Buffer.from("  one   more "), timestampMs: Date.now(), headers: [] };
    await workspace.broker.produce([{ topic: "lines", partition: 0, records: [record] }]);
    const isThere = async () =>
      (await readTopic(workspace.broker, cleanLines)).some(({ value }) => value === "one more");
    await until(async () => ((await isThere()) ? true : undefined), `the line is there\n${said.slice(-2_000)}`);
  } finally {
    parent.kill("SIGKILL");
    await workspace.close();
  }
}, 60_000);
