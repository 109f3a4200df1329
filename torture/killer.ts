/** Deals the blows of a plan, and notes when each fell and when somebody was there to go on. */

import { setTimeout as sleep } from "node:timers/promises";
import { type Found, findProcesses, signal } from "./function-processes.ts";
import type { Blow, PlannedBlow } from "./plan.ts";
import type { Dealt } from "./recovery.ts";
import type { Servers } from "./servers.ts";
import { KeptRun, type RunPlace, startMillrace } from "./supervisor.ts";

const POLL_MS = 20;
/** So many new records put everybody to work; in a small run fewer. */
const BUSY_RECORDS_MAX = 4_000;
const BUSY_SHARE = 1 / 40;
/** Who has not recovered by then may have nothing to do. */
const CALM_MS_MAX = 8_000;
const LOOK_MS = 50;
/** A supervisor waits up to ten seconds before it starts a function again that ended several times in a row. */
const THERE_MS_MAX = 60_000;

export type KillerOptions = {
  readonly servers: Servers;
  readonly place: RunPlace;
  /** The topics that each function writes; what is said of "everything" is what shows that the whole works. */
  readonly topicsOf: (functionName: string | "everything") => readonly string[];
  readonly functions: readonly string[];
  /** How many records there will be, and how many are written. */
  readonly records: number;
  readonly written: () => number;
  /** How many records of its input a function has behind it. */
  readonly doneBy: (functionName: string) => number;
  /** Whether all functions have done what there was. */
  readonly isIdle: () => boolean;
  readonly onDealt: (dealt: Dealt) => void;
  readonly signal: AbortSignal;
};

export class Killer {
  readonly #options: KillerOptions;
  readonly #supervisor: KeptRun;
  /** Blows whose consequences are still awaited. */
  readonly #pending = new Set<Promise<void>>();
  #failed: { readonly error: unknown } | undefined;
  #writeUpTo = 0;

  /** Starts the supervisor that it will kill. */
  constructor(options: KillerOptions) {
    this.#options = options;
    this.#supervisor = new KeptRun(options.place);
  }

  /** Waits until all functions run for the first time. */
  async ready(): Promise<void> {
    await this.#until(() => this.#allRun([]), "all functions run");
  }

  /** How many records may be written before whoever was hit is back: or there were none left for the blows to come. */
  get writeUpTo(): number {
    return this.#writeUpTo;
  }

  /** Deals all blows. Returns when everybody is back; throws where somebody does not come back. */
  async carryOut(plan: readonly PlannedBlow[]): Promise<void> {
    const { records, written, signal: aborted } = this.#options;
    const busyRecords = Math.min(BUSY_RECORDS_MAX, records * BUSY_SHARE);
    for (const blow of plan) {
      let dueAtRecord = blow.atRecord;
      if (!blow.isRushed) {
        this.#writeUpTo = blow.atRecord;
        await this.#calm();
        // They may have done all there was, and a blow that hits nobody at work is none.
        dueAtRecord = Math.min(records, Math.max(dueAtRecord, written() + busyRecords));
      }
      this.#writeUpTo = records;
      while (written() < dueAtRecord) {
        this.#throwIfFailed();
        await sleep(POLL_MS, undefined, { signal: aborted });
      }
      await sleep(blow.delayMs, undefined, { signal: aborted });
      await this.#deal(blow);
    }
    await Promise.all(this.#pending);
    this.#throwIfFailed();
  }

  /** Waits until all are back that were hit, and every function has done something since, or has nothing to do. */
  async #calm(): Promise<void> {
    const { functions, doneBy, isIdle, signal: aborted } = this.#options;
    const startedMs = Date.now();
    await Promise.all(this.#pending);
    const before = functions.map(doneBy);
    const isCalm = () => functions.every((name, i) => doneBy(name) > (before[i] as number));
    while (!isCalm() && !isIdle() && Date.now() - startedMs < CALM_MS_MAX) {
      this.#throwIfFailed();
      await sleep(POLL_MS, undefined, { signal: aborted });
    }
  }

  /** Asks what runs to end, as Ctrl-C does. */
  stop(): Promise<void> {
    return this.#supervisor.stop();
  }

  /** Lets nothing that it started go on, or start again. */
  abandon(): void {
    this.#supervisor.abandon();
  }

  #throwIfFailed(): void {
    if (this.#failed !== undefined) throw this.#failed.error;
  }

  async #deal(blow: Blow): Promise<void> {
    switch (blow.kind) {
      case "function":
        return this.#killFunction(blow.name);
      case "supervisor":
        return this.#killSupervisor(blow.withFunctions);
      case "kafka":
      case "dynamodb":
        return this.#bounce(blow.kind, blow.stalledMs, blow.downMs);
      case "zombie":
        return this.#makeZombie(blow.name, blow.stoppedMs, blow.togetherMs);
      default:
        return blow satisfies never;
    }
  }

  async #killFunction(name: string): Promise<void> {
    const { atMs, pid } = await this.#strike(name);
    this.#follow(async () => {
      // There may be another already: a supervisor that was killed leaves its processes to end by themselves.
      const isBack = async () => (await this.#findKept(name)).some((found) => found.pid !== pid);
      const backAtMs = await this.#until(isBack, `a process of ${name} is there again`);
      this.#options.onDealt({ kind: "function", what: name, topics: this.#options.topicsOf(name), atMs, backAtMs });
    });
  }

  async #killSupervisor(withFunctions: boolean): Promise<void> {
    const { place, topicsOf } = this.#options;
    const before = (await findProcesses(place.kafka)).map(({ pid }) => pid);
    const atMs = Date.now();
    this.#supervisor.kill();
    if (withFunctions) for (const pid of before) signal(pid, "SIGKILL");
    this.#follow(async () => {
      const backAtMs = await this.#until(() => this.#allRun(before), "all functions are there again");
      const what = withFunctions ? "the supervisor with all functions" : "the supervisor alone";
      this.#options.onDealt({ kind: "supervisor", what, topics: topicsOf("everything"), atMs, backAtMs });
    });
  }

  async #bounce(name: "kafka" | "dynamodb", stalledMs: number, downMs: number): Promise<void> {
    let atMs = 0;
    await new Promise<void>((dead) => {
      this.#follow(async () => {
        await this.#options.servers
          .bounce(name, stalledMs, downMs, () => {
            atMs = Date.now();
            dead();
          })
          .finally(dead);
        const topics = this.#options.topicsOf("everything");
        this.#options.onDealt({ kind: name, what: name, topics, atMs, backAtMs: Date.now() });
      });
    });
  }

  /** Stops a process in the middle of whatever it does; another takes over, the first goes on beside it, and the other one is killed. */
  async #makeZombie(name: string, stoppedMs: number, togetherMs: number): Promise<void> {
    const { place, topicsOf, onDealt } = this.#options;
    await this.#until(async () => (await this.#findKept(name)).length > 0, `a process of ${name} is there`);
    const [victim] = await this.#findKept(name);
    const atMs = Date.now();
    if (victim !== undefined) signal(victim.pid, "SIGSTOP");
    const other = startMillrace(place, name);
    const backAtMs = Date.now();
    this.#follow(async () => {
      await sleep(stoppedMs);
      if (victim !== undefined && (await this.#find(name)).some(({ pid }) => pid === victim.pid))
        signal(victim.pid, "SIGCONT");
      await sleep(togetherMs);
      other.kill("SIGKILL");
      onDealt({ kind: "zombie", what: name, topics: topicsOf(name), atMs, backAtMs });
    });
  }

  /** Kills a process of the function as soon as there is one. */
  async #strike(name: string): Promise<{ readonly atMs: number; readonly pid: number }> {
    for (const startedMs = Date.now(); ; await sleep(LOOK_MS, undefined, { signal: this.#options.signal })) {
      for (const { pid } of await this.#findKept(name)) {
        const atMs = Date.now();
        if (signal(pid, "SIGKILL")) return { atMs, pid };
      }
      if (Date.now() - startedMs > THERE_MS_MAX) throw new Error(`There is no process of ${name} any more.`);
    }
  }

  /** Whether there is a process of every function that is not among these. */
  async #allRun(before: readonly number[]): Promise<boolean> {
    const { place, functions } = this.#options;
    const found = (await findProcesses(place.kafka)).filter(({ pid }) => !before.includes(pid));
    return functions.every((name) => found.some(({ functionName }) => functionName === name));
  }

  /** Processes that somebody starts again: not those that we started beside a zombie. */
  async #findKept(name: string): Promise<readonly Found[]> {
    return (await this.#find(name)).filter(({ parentPid }) => parentPid !== process.pid);
  }

  async #find(name: string): Promise<readonly Found[]> {
    return (await findProcesses(this.#options.place.kafka)).filter(({ functionName }) => functionName === name);
  }

  /** Polls; says when it was so. */
  async #until(isSo: () => Promise<boolean>, what: string): Promise<number> {
    for (const startedMs = Date.now(); ; await sleep(LOOK_MS, undefined, { signal: this.#options.signal })) {
      if (await isSo()) return Date.now();
      if (Date.now() - startedMs > THERE_MS_MAX) throw new Error(`It took too long until ${what}.`);
    }
  }

  #follow(work: () => Promise<void>): void {
    const pending = work()
      .catch((error: unknown) => {
        this.#failed ??= { error };
      })
      .finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }
}
