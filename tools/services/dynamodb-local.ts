/** DynamoDB Local on this machine: a free port, in memory or in a folder, small and quick to start. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { jarsOf } from "./jars.ts";
import { startJava } from "./java-process.ts";
import { waitForAnswer } from "./wait-for-answer.ts";

const JVM = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const MAIN = "software.amazon.dynamodb.services.local.main.ServerRunner";

export type DynamoDbLocal = {
  readonly endpoint: string;
  /** Ends it and deletes its data, unless they are in a folder of the caller's. */
  stop(): Promise<void>;
  /** SIGKILL; the data stays, unless it was in memory. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port, after a kill. */
  restart(): Promise<void>;
  /** Stops and continues the process where it is, so that it accepts connections but does not answer. */
  freeze(): void;
  thaw(): void;
};

/**
 * Starts DynamoDB Local and waits until it answers. The first time downloads it, which takes up to half a minute. `inMemory` (the default) is ten
 * times as fast as a folder, in which every write is synced. `folder`: an empty one for data and log, which stays.
 */
export async function startDynamoDbLocal(
  options: { readonly inMemory?: boolean; readonly port?: number; readonly folder?: string } = {},
): Promise<DynamoDbLocal> {
  const jars = await jarsOf("dynamodb-local", new URL("./dynamodb-local/pom.xml", import.meta.url));
  const port = options.port ?? ((await freePorts(1))[0] as number);
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "millrace-dynamodb-"));
  const endpoint = `http://127.0.0.1:${port}`;
  const store = options.inMemory === false ? ["-dbPath", folder] : ["-inMemory"];
  const command = [...JVM, "-cp", join(jars, "*"), MAIN, "-port", String(port), "-sharedDb", "-disableTelemetry"];
  const logFile = join(folder, "log.txt");
  const start = async () => {
    const started = await startJava("DynamoDB Local", [...command, ...store], logFile, "");
    try {
      // Its log does not say when it listens.
      await Promise.race([
        waitForAnswer("DynamoDB Local", endpoint),
        started.ended.then(() => failStart(endpoint, logFile)),
      ]);
    } catch (error) {
      await started.kill();
      throw error;
    }
    return started;
  };
  const removeFolder = () => {
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", removeFolder);
  let server: Awaited<ReturnType<typeof start>>;
  try {
    server = await start();
  } catch (error) {
    removeFolder();
    throw error;
  }
  return {
    endpoint,
    async stop() {
      await server.stop();
      removeFolder();
      process.removeListener("exit", removeFolder);
    },
    kill: () => server.kill(),
    async restart() {
      await server.ended;
      server = await start();
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
  };
}

function failStart(endpoint: string, logFile: string): never {
  throw new Error(
    `DynamoDB Local did not start at ${endpoint}; is Java 17 or later there?\n${readFileSync(logFile, "utf8")}`,
  );
}
