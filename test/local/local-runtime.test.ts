/** The local runtime with a whole application on SQLite: under faults, stopped, killed and started again. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Broker } from "../../lib/kafka/broker.ts";
import { type LocalRuntimeOptions, startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { openWorkspace, type Workspace } from "../../lib/local/workspace.ts";
import { countFaults, createFaults } from "../../lib/simulation/faults.ts";
import { createRandom } from "../../lib/simulation/random.ts";
import { expectedOf, linesOf, readResults, wordApplication, writeLines } from "./word-application.ts";

/** More of them by hand: MILLRACE_RUNS=300 npx vitest run test/local/local-runtime.test.ts -t O3 */
const SEEDS = Number(process.env.MILLRACE_RUNS ?? 6);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-runtime-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (application = wordApplication(), name = "") =>
  openWorkspace(application, { folder: join(folder, name), exclusive: true });

/** Runs until quiet. */
async function run(options: LocalRuntimeOptions) {
  const runtime = await startLocalRuntime(options);
  await runtime.quiet();
  await runtime.stop();
  return runtime.stats();
}

/** A workspace whose broker does something else instead of producing. */
function withProduce(workspace: Workspace, produce: Broker["produce"]): Workspace {
  const { broker } = workspace;
  return {
    ...workspace,
    broker: {
      recordBytesMax: broker.recordBytesMax,
      produce,
      prepareExactlyOnce: (partitions, once) => broker.prepareExactlyOnce(partitions, once),
      produceExactlyOnce: (batches, exactlyOnce) => broker.produceExactlyOnce(batches, exactlyOnce),
      fetch: (topic, partition, offset, limits) => broker.fetch(topic, partition, offset, limits),
      offsets: (topic) => broker.offsets(topic),
      offsetRange: (topic, partition) => broker.offsetRange(topic, partition),
      topics: () => broker.topics(),
      ensureTopics: (topics) => broker.ensureTopics(topics),
      committedOffset: (group, topic, partition) => broker.committedOffset(group, topic, partition),
      commitOffset: (group, topic, partition, offset) => broker.commitOffset(group, topic, partition, offset),
      close: () => broker.close(),
    },
  };
}

describe("an application of three operators", () => {
  test("gives what one reader after the other would get, and is quiet then", async () => {
    const application = wordApplication();
    const workspace = await open();
    const input = linesOf(1, 2_000);
    await writeLines(workspace.broker, input);
    await run({ application, workspace });
    expect(await readResults(workspace.broker)).toEqual(expectedOf(input));
    await workspace.close();
  });

  test("O3: gives the same under faults, repeats dropped by identity", { timeout: 3_600_000 }, async () => {
    const runSeed = async (seed: number) => {
      const application = wordApplication();
      const workspace = await open(application, String(seed));
      const input = linesOf(seed, 500);
      await writeLines(workspace.broker, input);
      const faults = createFaults({ seed, probability: 0.3 });
      const { environments } = await run({ application, workspace, faults, batchSize: 5 });
      expect(await readResults(workspace.broker), `seed ${seed}`).toEqual(expectedOf(input));
      expect(countFaults(faults.counts)).toBeGreaterThan(10);
      expect(environments).toBeGreaterThan(4);
      await workspace.close();
    };
    // Side by side: most of the time is spent waiting for what is slow on purpose.
    for (let first = 1; first <= SEEDS; first += 6)
      await Promise.all([0, 1, 2, 3, 4, 5].map((next) => runSeed(first + next)));
  });

  test("ends under faults although everything takes longer than an invocation may at first", {
    timeout: 30_000,
  }, async () => {
    const application = wordApplication();
    const input = linesOf(10, 20);
    const workspace = await open();
    await writeLines(workspace.broker, input);
    const { broker } = workspace;
    const slow = withProduce(workspace, async (batches) => {
      await new Promise((resolve) => setTimeout(resolve, 400));
      return broker.produce(batches);
    });
    await run({ application, workspace: slow, faults: createFaults({ seed: 10, probability: 0 }) });
    expect(await readResults(broker)).toEqual(expectedOf(input));
    await workspace.close();
  });

  test("goes on where it was stopped", { timeout: 30_000 }, async () => {
    // Idleness must not end windows before the rest is there.
    const patient = wordApplication({ idleAfterMs: 30_000 });
    const input = linesOf(3, 1_000);
    for (let part = 0; part < 5; part++) {
      const workspace = await open(patient);
      await writeLines(workspace.broker, input.slice(part * 200, (part + 1) * 200));
      const runtime = await startLocalRuntime({ application: patient, workspace, batchSize: 10 });
      await new Promise((resolve) => setTimeout(resolve, part * 10));
      await runtime.stop();
      await workspace.close();
    }
    const application = wordApplication();
    const workspace = await open(application);
    await run({ application, workspace });
    expect(await readResults(workspace.broker)).toEqual(expectedOf(input));
    await workspace.close();
  });

  test("remembers after a restart who waits for the clock", { timeout: 20_000 }, async () => {
    const application = wordApplication({ idleAfterMs: 2_000 });
    const input = linesOf(4, 50);
    const workspace = await open(application);
    await writeLines(workspace.broker, input);
    const first = await startLocalRuntime({ application, workspace });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await first.stop();
    expect((await readResults(workspace.broker)).windows.length).toBeLessThan(expectedOf(input).windows.length);
    await workspace.close();
    const again = await open(application);
    await run({ application, workspace: again });
    expect(await readResults(again.broker)).toEqual(expectedOf(input));
    await again.close();
  });

  test("L9: sends after a restart what a tick committed and nobody sent", async () => {
    const application = wordApplication();
    // Their one window is closed by the clock alone, and then all that is left is something to send.
    const input = linesOf(5, 10, Math.floor(Date.now() / 1000) * 1000 + 1500);
    const workspace = await open();
    await writeLines(workspace.broker, input);
    let refused = 0;
    const { broker } = workspace;
    const deaf = withProduce(workspace, async (batches) => {
      if (!batches.some(({ topic }) => topic === "counts")) return broker.produce(batches);
      refused++;
      throw new Error("no room");
    });
    const first = await startLocalRuntime({ application, workspace: deaf, onProblem: () => {} });
    const owes = async () =>
      refused > 0 &&
      (await workspace.stateLog.tasks()).every(({ task, wakeAtMs }) => !task.includes("--") || wakeAtMs === null);
    while (!(await owes())) await new Promise((resolve) => setTimeout(resolve, 20));
    await first.stop();
    expect(refused).toBeGreaterThan(0);
    await run({ application, workspace });
    expect(await readResults(workspace.broker)).toEqual(expectedOf(input));
    await workspace.close();
  });

  test("whoever waits until it is quiet is let go when it is stopped", async () => {
    const application = wordApplication({ idleAfterMs: 5_000 });
    const workspace = await open(application);
    await writeLines(workspace.broker, linesOf(9, 10));
    const runtime = await startLocalRuntime({ application, workspace });
    const quiet = runtime.quiet();
    await runtime.stop();
    await quiet;
    await workspace.close();
  });

  test("gives up invocations and ticks that hang, and goes on in a new environment", { timeout: 20_000 }, async () => {
    const application = wordApplication({ timeoutMs: 300 });
    const input = linesOf(6, 100);
    const workspace = await open();
    await writeLines(workspace.broker, input);
    const { broker } = workspace;
    const hung = new Set<string>();
    const stuck = withProduce(workspace, async (batches) => {
      const names = [...new Set(batches.map(({ topic }) => topic))].sort().join();
      if (hung.has(names)) return broker.produce(batches);
      hung.add(names);
      return new Promise(() => {});
    });
    const { environments } = await run({ application, workspace: stuck, onProblem: () => {} });
    expect(environments).toBeGreaterThan(application.topology.functions.length);
    expect(await readResults(broker)).toEqual(expectedOf(input));
    await workspace.close();
  });
});

describe("processes", () => {
  const script = fileURLToPath(new URL("./run-until-quiet.ts", import.meta.url));
  const start = (seed: string) => {
    const child = spawn(
      process.execPath,
      ["--conditions=millrace-source", "--disable-warning=ExperimentalWarning", script, folder, seed],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let said = "";
    let complained = "";
    child.stdout.on("data", (text) => (said += text));
    child.stderr.on("data", (text) => (complained += text));
    const exited = once(child, "exit") as Promise<[number | null, string | null]>;
    return { child, exited, said: () => said, complained: () => complained };
  };

  test.each([
    ["none", 7],
    ["8", 8],
  ])(
    "L8: killed again and again, with faults %s, nothing is lost and nothing twice",
    { timeout: 60_000 },
    async (faults, seed) => {
      const random = createRandom(seed);
      const input = linesOf(seed, 1_500);
      const workspace = await open();
      await writeLines(workspace.broker, input);
      await workspace.close();
      for (let kills = 0; ; kills++) {
        const { child, exited, said, complained } = start(faults);
        if (kills < 5) {
          while (!said().includes("started") && child.exitCode === null)
            await Promise.race([once(child.stdout, "data"), exited]);
          await new Promise((resolve) => setTimeout(resolve, random() * 120));
          child.kill("SIGKILL");
        }
        const [code] = await exited;
        if (code === null) continue;
        expect({ code, complained: complained() }).toEqual({ code: 0, complained: "" });
        break;
      }
      const after = await open();
      expect(await readResults(after.broker)).toEqual(expectedOf(input));
      await after.close();
    },
  );

  test("a second one on the same folder is refused with a sentence, until the first is gone", async () => {
    const workspace = await open();
    const { exited, complained } = start("none");
    expect((await exited)[0]).not.toBe(0);
    expect(complained()).toContain("Somebody else is running on");
    await workspace.close();
    const again = start("none");
    expect((await again.exited)[0]).toBe(0);
  });
});
