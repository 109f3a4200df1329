/** What Lambda gets of a function: which modules its bundle consists of, its size zipped, and how long a new environment takes to load it. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { deflateRawSync } from "node:zlib";
import { bundleInto, operatorEntry } from "../lib/cdk/bundle.ts";
import { quantile } from "./measure.ts";
import type { ProgressOf, Row, Section } from "./section.ts";

const ROOT = resolve(import.meta.dirname, "..");
const OPERATOR = "count-words";
/** As MillraceApp leaves them out of this repository's own operators: they wait for the clock, and keep no snapshots and no secrets. */
const UNUSED = ["@aws-sdk/client-s3", "@aws-sdk/client-secrets-manager"];
const PROCESSES = 15;
const MODULES_SHOWN_MAX = 20;

/** Loads a module as Lambda's runtime does, until nothing is left that loading it has started; its own start is not counted. */
const LOAD = `const before = process.cpuUsage(), start = process.hrtime.bigint();
await import(process.argv[1]);
await new Promise((resolve) => setImmediate(resolve));
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify([Number(process.hrtime.bigint() - start) / 1e6, (user + system) / 1e3]));`;

export async function bundle(progressOf: ProgressOf): Promise<readonly Section[]> {
  mkdirSync(join(ROOT, "cdk.out"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, "cdk.out", "bench-"));
  try {
    const entry = operatorEntry(join(ROOT, "functions", `${OPERATOR}.ts`), OPERATOR);
    const { outputs } = bundleInto(folder, [{ name: OPERATOR, entry }], UNUSED);
    const file = join(folder, OPERATOR, "index.mjs");
    const [, code] = Object.entries(outputs).find(([name]) => name.endsWith("index.mjs")) as [string, Contents];
    const loaded = await load(file, folder, progressOf(`loading ${OPERATOR}`));
    return [
      { title: `what the bundle of ${OPERATOR} consists of, minified`, rows: modulesIn(code) },
      { title: `the bundle of ${OPERATOR}`, rows: [...sizes(file), ...loaded] },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Contents = { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> };

function modulesIn({ inputs }: Contents): readonly Row[] {
  const sizes = new Map<string, number>();
  for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
    const name = moduleOf(file);
    sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
  }
  const sorted = [...sizes].sort(([, a], [, b]) => b - a);
  const rest = sorted.slice(MODULES_SHOWN_MAX);
  const others = [`${rest.length} others`, rest.reduce((sum, [, bytes]) => sum + bytes, 0)] as const;
  return [...sorted.slice(0, MODULES_SHOWN_MAX), ...(rest.length > 0 ? [others] : [])].map(([what, bytes]) =>
    inKilobytes(what, bytes),
  );
}

/** A package, or a folder of lib. */
function moduleOf(file: string): string {
  const inPackages = file.split("node_modules/").at(-1) as string;
  if (inPackages !== file) return /^(@[^/]+\/)?[^/]+/.exec(inPackages)![0];
  return /lib\/[^/]+(?=\/)/.exec(file)?.[0] ?? "the author's files";
}

function sizes(file: string): readonly Row[] {
  const zipped = (name: string) => deflateRawSync(readFileSync(name)).length;
  const [code, map] = [zipped(file), zipped(`${file}.map`)];
  return [
    inKilobytes("minified", readFileSync(file).length),
    inKilobytes("zipped, without its map", code),
    { ...inKilobytes("zipped", code + map), target: "500 KB" },
  ];
}

async function load(file: string, folder: string, progress: (done: number, of: number) => void): Promise<Row[]> {
  const empty = join(folder, "empty.mjs");
  writeFileSync(empty, "export const handler = async () => {};\n");
  const times: Record<"empty" | "bundle", [wallMs: number, cpuMs: number][]> = { empty: [], bundle: [] };
  for (let i = 0; i < PROCESSES; i += 1) {
    progress(i, PROCESSES);
    times.empty.push(await loadOnce(empty));
    times.bundle.push(await loadOnce(file));
  }
  progress(PROCESSES, PROCESSES);
  const median = (of: "empty" | "bundle", field: 0 | 1) =>
    quantile(
      times[of].map((time) => time[field]).sort((a, b) => a - b),
      0.5,
    );
  const inMs = (what: string, ms: number): Row => ({ what, figure: `${ms.toFixed(0)} ms`, value: ms, unit: "ms" });
  return [
    { ...inMs(`loaded, median of ${PROCESSES} new processes`, median("bundle", 0)), target: "120 ms" },
    inMs("the CPU's share of it", median("bundle", 1)),
    inMs("an empty handler, loaded", median("empty", 0)),
  ];
}

/** In a process with the environment and the options of a deployed function. */
async function loadOnce(file: string): Promise<[number, number]> {
  const env = { PATH: process.env.PATH, AWS_LAMBDA_FUNCTION_NAME: OPERATOR, NODE_OPTIONS: "--enable-source-maps" };
  const args = ["--input-type=module", "-e", LOAD, file];
  return JSON.parse((await promisify(execFile)(process.execPath, args, { env })).stdout) as [number, number];
}

function inKilobytes(what: string, bytes: number): Row {
  return { what, figure: `${Math.round(bytes / 1000)} KB`, value: bytes, unit: "bytes" };
}
