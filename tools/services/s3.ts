/**
 * A server on this machine that speaks S3's language: S3Proxy over a temporary folder.
 *
 * Of those that Maven Central has it is the one that starts in half a second, is maintained, checks signatures, digests and bucket names, pages its listings
 * in the order of keys, and keeps what was acknowledged when it is killed. Adobe's S3Mock is a Spring application that checks no signatures, and the
 * mocks of PyPI and npm would bring a second package manager or are no longer looked after.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { jarsOf } from "./jars.ts";
import { startJava } from "./java-process.ts";
import { waitForAnswer } from "./wait-for-answer.ts";

const JVM = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const MAIN = "org.gaul.s3proxy.Main";

/** The only ones that it lets in. */
export const S3_CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };

export type S3Server = {
  readonly endpoint: string;
  /** Holds a folder for each bucket, and a file for each object. */
  readonly folder: string;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
  /** SIGKILL; the data stays. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port, after a kill. */
  restart(): Promise<void>;
  /** Stops and continues the process where it is, so that it accepts connections but does not answer. */
  freeze(): void;
  thaw(): void;
};

/** Starts S3Proxy and waits until it answers. The first time downloads it, which takes up to half a minute. */
export async function startS3(options: { readonly port?: number } = {}): Promise<S3Server> {
  const jars = await jarsOf("s3proxy", new URL("./s3proxy/pom.xml", import.meta.url));
  const port = options.port ?? ((await freePorts(1))[0] as number);
  const home = mkdtempSync(join(tmpdir(), "millrace-s3-"));
  const removeHome = () => rmSync(home, { recursive: true, force: true });
  process.once("exit", removeHome);
  const endpoint = `http://127.0.0.1:${port}`;
  const folder = join(home, "data");
  mkdirSync(folder);
  const settings = join(home, "s3proxy.properties");
  writeFileSync(settings, propertiesOf(endpoint, folder));
  const logFile = join(home, "log.txt");
  // Its own log may not go to standard error, which it catches and logs.
  const logging = `-Dorg.slf4j.simpleLogger.logFile=${join(home, "s3proxy.txt")}`;
  const command = [...JVM, logging, "-cp", join(jars, "*"), MAIN, "--properties", settings];
  const start = async () => {
    const started = await startJava("S3Proxy", command, logFile, "");
    try {
      await Promise.race([waitForAnswer("S3Proxy", endpoint), started.ended.then(() => failStart(endpoint, logFile))]);
    } catch (error) {
      await started.kill();
      throw error;
    }
    return started;
  };
  let server: Awaited<ReturnType<typeof start>>;
  try {
    server = await start();
  } catch (error) {
    removeHome();
    throw error;
  }
  return {
    endpoint,
    folder,
    async stop() {
      await server.stop();
      removeHome();
      process.removeListener("exit", removeHome);
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

function propertiesOf(endpoint: string, folder: string): string {
  const properties = {
    "s3proxy.endpoint": endpoint,
    "s3proxy.authorization": "aws-v4",
    "s3proxy.identity": S3_CREDENTIALS.accessKeyId,
    "s3proxy.credential": S3_CREDENTIALS.secretAccessKey,
    "jclouds.provider": "filesystem-nio2",
    // Backslashes mean something in a file of properties.
    "jclouds.filesystem.basedir": folder.replaceAll("\\", "/"),
  };
  return `${Object.entries(properties)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n")}\n`;
}

function failStart(endpoint: string, logFile: string): never {
  throw new Error(`S3Proxy did not start at ${endpoint}; is Java 17 or later there?\n${readFileSync(logFile, "utf8")}`);
}
