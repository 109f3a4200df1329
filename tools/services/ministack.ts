/** MiniStack, an emulator of AWS, on this machine: a free port, functions in Node processes, nothing kept. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePorts } from "./free-ports.ts";
import { waitForAnswer } from "./wait-for-answer.ts";

const VERSION = "1.5.33";
const CACHE = fileURLToPath(new URL("../../.millrace/services/", import.meta.url));

export type MiniStack = {
  readonly endpoint: string;
  /** What it and the functions have said. */
  log(): string;
  /** Ends it and its functions, and deletes its data. */
  stop(): Promise<void>;
};

/** Starts it, at a free port unless one is given, and waits until it answers. The first time downloads it from PyPI, for which Python 3 with venv has to be there. */
export async function startMiniStack(options: { readonly port?: number } = {}): Promise<MiniStack> {
  const program = join(await installed(), "bin/ministack");
  const port = options.port ?? (await freePorts(1))[0];
  const folder = mkdtempSync(join(tmpdir(), "millrace-ministack-"));
  const logFile = join(folder, "log.txt");
  const log = openSync(logFile, "a");
  const child = spawn(program, [], {
    cwd: folder,
    // Functions inherit it: the Node that runs this, and nothing else of ours.
    env: {
      PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
      HOME: folder,
      TMPDIR: folder,
      BIND_HOST: "127.0.0.1",
      MINISTACK_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      IOT_MTLS_PORT: "0",
    },
    stdio: ["ignore", log, log],
    // A group of its own, in which its functions are too.
    detached: true,
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const end = () => {
    killGroup(child);
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", end);
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await waitForAnswer("MiniStack", endpoint);
  } catch (cause) {
    const said = readFileSync(logFile, "utf8");
    end();
    throw new Error(`MiniStack did not start at ${endpoint}:\n${said}`, { cause });
  }
  return {
    endpoint,
    log: () => readFileSync(logFile, "utf8"),
    async stop() {
      killGroup(child);
      await ended;
      end();
      process.removeListener("exit", end);
    },
  };
}

/** It does not always end when it is asked to. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of them have ended.
  }
}

async function installed(): Promise<string> {
  const folder = join(CACHE, `ministack-${VERSION}`);
  const complete = join(folder, "complete");
  if (existsSync(complete)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const run = promisify(execFile);
  // A folder for Python knows its own name, so that it cannot be made elsewhere and moved.
  await run("python3", ["-m", "venv", "--clear", folder]);
  await run(join(folder, "bin/pip"), ["install", "--quiet", `ministack==${VERSION}`]);
  mkdirSync(complete);
  return folder;
}
