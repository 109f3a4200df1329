/** The sides in Java: downloaded by Maven and compiled on first use, into folders that git ignores. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { jarsOf } from "../../tools/services/jars.ts";

/** All that a side may take for its objects. */
const HEAP = "-Xmx2g";
/** Flink serializes with what Java closed behind modules. */
const OPENED = ["java.base/java.lang", "java.base/java.util", "java.base/java.time"].map(
  (packageName) => `--add-opens=${packageName}=ALL-UNNAMED`,
);

export type JavaSide = { readonly project: "flink" | "kafka-streams"; readonly main: string };

/** The arguments of `java` that run a side, but for its own. Whoever comes first downloads and compiles. */
export async function javaCommand({ project, main }: JavaSide): Promise<readonly string[]> {
  const jars = await jarsOf(`${project}-peer`, new URL(`./${project}/pom.xml`, import.meta.url));
  const classes = await classesOf(project, jars);
  const classpath = [classes, join(jars, "*")].join(delimiter);
  return [HEAP, ...OPENED, "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", classpath, main];
}

async function classesOf(project: JavaSide["project"], jars: string): Promise<string> {
  const sources = ["./java/", `./${project}/src/main/java/`].flatMap((path) => {
    const folder = fileURLToPath(new URL(path, import.meta.url));
    return readdirSync(folder).map((file) => join(folder, file));
  });
  const hash = createHash("sha256");
  for (const source of sources) hash.update(readFileSync(source));
  const folder = `${jars}-classes-${hash.digest("hex").slice(0, 12)}`;
  if (existsSync(folder)) return folder;
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    await promisify(execFile)("javac", ["--release", "17", "-d", partial, "-cp", join(jars, "*"), ...sources]);
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}
