/** A function run from its code as Lambda runs it: as many environments as there are invocations at a time, each used again while it can be. */

import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LambdaHandler, LocalFunction } from "../invocation.ts";
import { ExecutionEnvironment, type FunctionCode, type InvocationReport } from "./execution-environment.ts";

/** Longer than any function's own time and what it takes to load it: the environment ends it, not who waits. */
const MAPPING_TIMEOUT_MS = 14 * 60_000;

export class LocalLambda {
  readonly #code: FunctionCode;
  readonly #folder: string;
  #idle: readonly ExecutionEnvironment[] = [];
  readonly #all = new Set<ExecutionEnvironment>();
  readonly #observe: (report: InvocationReport) => void;
  #isClosed = false;

  /** Unpacks the code into a folder of its own, above which nothing is: what is not in it is not found. `observe` hears of every invocation. */
  constructor(code: FunctionCode, observe: (report: InvocationReport) => void = () => {}) {
    this.#folder = mkdtempSync(join(tmpdir(), "millrace-lambda-"));
    const taskRoot = join(this.#folder, "var", "task");
    mkdirSync(taskRoot, { recursive: true });
    cpSync(code.taskRoot, taskRoot, { recursive: true });
    this.#code = { ...code, taskRoot };
    this.#observe = observe;
  }

  /** Never rejects. */
  async invoke(eventText: string): Promise<InvocationReport> {
    // Who stands still may have been killed meanwhile.
    const [idle, ...others] = this.#idle.filter(({ isUsable }) => isUsable);
    this.#idle = others;
    const environment = idle ?? (await this.#start());
    const report = await environment.invoke(eventText);
    if (this.#isClosed) await environment.kill();
    if (environment.isUsable) this.#idle = [environment, ...this.#idle];
    else this.#all.delete(environment);
    this.#observe(report);
    return report;
  }

  /** For an event source mapping, or whoever else invokes functions here. */
  get function(): LocalFunction {
    const { name, memoryMb } = this.#code;
    const handler = async (eventText: string): Promise<unknown> => {
      const { outcome } = await this.invoke(eventText);
      if (outcome.kind === "succeeded") return JSON.parse(outcome.responseText);
      const { errorType, errorMessage } = outcome.error;
      throw Object.assign(new Error(errorMessage), { name: errorType });
    };
    const timeoutMs = MAPPING_TIMEOUT_MS;
    return { name, handler: handler as LambdaHandler, timeoutMs, memoryMb, acceptsText: true };
  }

  /** Kills every environment where it is, under way or not, as Lambda may do at any time. */
  async kill(): Promise<void> {
    const all = [...this.#all];
    this.#idle = [];
    this.#all.clear();
    await Promise.all(all.map((environment) => environment.kill()));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<ExecutionEnvironment> {
    const environment = await ExecutionEnvironment.start(this.#code);
    this.#all.add(environment);
    return environment;
  }
}
