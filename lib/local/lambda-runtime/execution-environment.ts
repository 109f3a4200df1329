/**
 * One execution environment of a function, as Lambda has them: a process of its own that loads the code once, gets one invocation at a time, stands
 * still in between, and is killed where its time is over.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Mailbox } from "./mailbox.ts";
import { type ReportedError, RuntimeApi, type RuntimeMessage } from "./runtime-api.ts";

/** A function as it would be deployed. */
export type FunctionCode = {
  readonly name: string;
  /** `file.export` */
  readonly handler: string;
  /** Where its code lies. */
  readonly taskRoot: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly jsonLogs: boolean;
  readonly environment: Readonly<Record<string, string>>;
};

export type InvocationOutcome =
  | { readonly kind: "succeeded"; readonly responseText: string }
  | { readonly kind: "failed" | "timed-out"; readonly error: ReportedError };

/** What Lambda writes into the log at the end of an invocation. */
export type InvocationReport = {
  readonly requestId: string;
  readonly outcome: InvocationOutcome;
  readonly durationMs: number;
  /** How long the environment took to load the code; undefined where it was there already. */
  readonly initMs: number | undefined;
  /** The most that its process has had; undefined where the operating system does not tell. */
  readonly memoryMb: number | undefined;
  /** What it wrote since the invocation before. */
  readonly logs: string;
};

type Message = RuntimeMessage | { readonly kind: "ended"; readonly how: string };

/** Lambda's. */
const INIT_MS_MAX = 10_000;
/** How long a process is waited for that has answered and not asked for more. */
const ASK_MS_MAX = 5_000;
const IS_SOURCE = import.meta.url.endsWith(".ts");
const BOOTSTRAP = fileURLToPath(new URL(`bootstrap.${IS_SOURCE ? "ts" : "js"}`, import.meta.url));
/** Ends a process that stands still, and so notices nothing, when standard input closes: with the process that started it, however that ends. */
const GUARD = `cat >/dev/null; kill -9 "$0" 2>/dev/null`;

export class ExecutionEnvironment {
  readonly #code: FunctionCode;
  readonly #child: ChildProcess;
  readonly #api: RuntimeApi;
  readonly #messages: Mailbox<Message>;
  #logs = "";
  #isUsable = true;
  /** Resolves when the process stands still, and can get the next invocation. */
  #frozen: Promise<void> = Promise.resolve();
  /** Until the first invocation has counted it. */
  #initMs: number | undefined;

  private constructor(code: FunctionCode, api: RuntimeApi, child: ChildProcess, messages: Mailbox<Message>) {
    this.#code = code;
    this.#api = api;
    this.#child = child;
    this.#messages = messages;
  }

  /** Starts a process; it loads the code while it is waited for by the first invocation. */
  static async start(code: FunctionCode): Promise<ExecutionEnvironment> {
    const messages = new Mailbox<Message>();
    const api = new RuntimeApi((message) => messages.put(message));
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", BOOTSTRAP], {
      cwd: code.taskRoot,
      env: environmentOf(code, await api.listen()),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const environment = new ExecutionEnvironment(code, api, child, messages);
    environment.#watch();
    return environment;
  }

  /** Whether it can get another invocation. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Invokes the function; never two at a time. Never rejects. */
  async invoke(eventText: string): Promise<InvocationReport> {
    const requestId = randomUUID();
    const startedLoadingMs = performance.now();
    await this.#frozen;
    const loaded = this.#initMs === undefined ? await this.#load(startedLoadingMs) : undefined;
    const initMs = loaded === undefined ? undefined : this.#initMs;
    const startedMs = performance.now();
    const outcome = loaded?.error === undefined ? await this.#run(requestId, eventText) : failed(loaded.error);
    const durationMs = performance.now() - startedMs;
    const memoryMb = memoryOf(this.#child.pid);
    if (outcome.kind === "timed-out" || !this.#isUsable) await this.kill();
    else this.#frozen = this.#freeze();
    await this.#frozen;
    const logs = this.#logs;
    this.#logs = "";
    return { requestId, outcome, durationMs, initMs, memoryMb, logs };
  }

  /** Ends the process at once, wherever it is. */
  async kill(): Promise<void> {
    this.#isUsable = false;
    this.#child.kill("SIGKILL");
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await new Promise((resolve) => this.#child.once("close", resolve));
    this.#api.close();
  }

  #watch(): void {
    const child = this.#child;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#logs += text;
      });
    const guard = spawn("sh", ["-c", GUARD, String(child.pid)], { stdio: ["pipe", "ignore", "ignore"] });
    guard.on("error", () => {});
    guard.stdin.on("error", () => {});
    const end = (how: string) => {
      this.#isUsable = false;
      guard.kill("SIGKILL");
      guard.stdin.destroy();
      this.#messages.put({ kind: "ended", how });
    };
    child.on("error", (error) => end(error.message));
    child.on("close", (exitCode, signal) => end(signal ?? `exit code ${exitCode}`));
  }

  async #load(startedMs: number): Promise<{ readonly error?: ReportedError }> {
    const message = await this.#messages.take(INIT_MS_MAX);
    this.#initMs = performance.now() - startedMs;
    if (message?.kind === "asked") return {};
    this.#isUsable = false;
    if (message?.kind === "init-failed") return { error: message.error };
    const how =
      message?.kind === "ended" ? `ended (${message.how})` : `took longer than ${INIT_MS_MAX / 1_000} seconds`;
    return { error: { errorType: "Runtime.ExitError", errorMessage: `${this.#code.name} ${how} while it was loaded` } };
  }

  async #run(requestId: string, eventText: string): Promise<InvocationOutcome> {
    const timeoutMs = this.#code.timeoutSeconds * 1_000;
    const functionArn = `arn:aws:lambda:local:000000000000:function:${this.#code.name}`;
    this.#child.kill("SIGCONT");
    this.#api.give({ requestId, deadlineMs: Date.now() + timeoutMs, functionArn, eventText });
    const message = await this.#messages.take(timeoutMs);
    if (message === undefined) return this.#timedOut(requestId);
    switch (message.kind) {
      case "responded":
        return { kind: "succeeded", responseText: message.text };
      case "failed":
        return failed(message.error);
      case "ended":
      case "asked":
      case "init-failed": {
        this.#isUsable = false;
        const how = message.kind === "ended" ? message.how : "it did not answer";
        const errorMessage = `RequestId: ${requestId} Error: the runtime of ${this.#code.name} ended: ${how}`;
        return failed({ errorType: "Runtime.ExitError", errorMessage });
      }
      default:
        return message satisfies never;
    }
  }

  #timedOut(requestId: string): InvocationOutcome {
    const { name, timeoutSeconds } = this.#code;
    const errorMessage = `${requestId} Task timed out after ${timeoutSeconds.toFixed(2)} seconds: ${name} was killed`;
    return { kind: "timed-out", error: { errorType: "Sandbox.Timedout", errorMessage } };
  }

  /** Waits until the process asks for more, then stops it where it is. */
  async #freeze(): Promise<void> {
    const message = await this.#messages.take(ASK_MS_MAX);
    // What it wrote has come before its question, through another pipe.
    await new Promise((resolve) => setImmediate(resolve));
    if (message?.kind === "asked") this.#child.kill("SIGSTOP");
    else await this.kill();
  }
}

function failed(error: ReportedError): InvocationOutcome {
  return { kind: "failed", error };
}

/** What Lambda sets, and what the function was deployed with; nothing of this process but where programs lie and who one is at AWS. */
function environmentOf(code: FunctionCode, api: string): Record<string, string> {
  const { name, handler, taskRoot, memoryMb, jsonLogs, environment } = code;
  const { PATH = "", AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION } = process.env;
  const region = environment.AWS_REGION ?? AWS_REGION ?? "us-east-1";
  return {
    PATH,
    LANG: "en_US.UTF-8",
    TZ: ":UTC",
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: AWS_ACCESS_KEY_ID ?? "local",
    AWS_SECRET_ACCESS_KEY: AWS_SECRET_ACCESS_KEY ?? "local",
    ...(AWS_ACCESS_KEY_ID !== undefined && AWS_SESSION_TOKEN !== undefined && { AWS_SESSION_TOKEN }),
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_FORMAT: jsonLogs ? "JSON" : "Text",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: "local",
    LAMBDA_TASK_ROOT: taskRoot,
    _HANDLER: handler,
    ...environment,
    AWS_LAMBDA_RUNTIME_API: api,
  };
}

/** The most that a process has had in memory, where Linux tells it. */
function memoryOf(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Math.round(Number(kilobytes) / 1_024);
  } catch {
    return undefined;
  }
}
