/** Bundles: what is in them, that they are handlers, and that the same sources make the same bytes wherever they are made. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleInto, operatorEntry, ownEntry } from "../../lib/cdk/bundle.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const COUNT_WORDS = join(ROOT, "functions/count-words.ts");
const UNUSED = ["@aws-sdk/client-s3", "@aws-sdk/client-secrets-manager"];

let folder: string;

beforeAll(() => {
  mkdirSync(join(ROOT, "cdk.out"), { recursive: true });
  folder = mkdtempSync(join(ROOT, "cdk.out", "bundles-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function bundle(name: string, entry: string, unused: readonly string[] = []): string {
  bundleInto(join(folder, name), [{ name: "code", entry }], unused);
  return join(folder, name, "code/index.mjs");
}

/** What a script says that imports the bundle as Lambda does. */
async function run(file: string, script: string, env: Record<string, string> = {}): Promise<string> {
  const code = `const bundle = await import(${JSON.stringify(file)}); ${script}`;
  const lambda = { PATH: process.env.PATH, AWS_LAMBDA_FUNCTION_NAME: "f", AWS_REGION: "eu-west-1", ...env };
  const args = ["--input-type=module", "-e", code];
  return (await promisify(execFile)(process.execPath, args, { cwd: folder, env: lambda })).stdout.trim();
}

describe("an operator's bundle", () => {
  test("is a handler of that operator, which opens what its environment names", async () => {
    const file = bundle("handler", operatorEntry(COUNT_WORDS, "count-words"), UNUSED);
    expect(await run(file, "console.log(bundle.handler.operatorName)")).toBe("count-words");
    const env = { MILLRACE_APPLICATION: "lines", MILLRACE_TABLE: "lines", KAFKA_BOOTSTRAP_SERVERS: "127.0.0.1:1" };
    const invoke = `console.log(JSON.stringify(await bundle.handler({ eventSource: "aws:kafka", records: {} }, {})))`;
    expect(await run(file, invoke, env)).toBe('{"batchItemFailures":[]}');
    expect(await run(file, `await bundle.handler({}, {}).catch((error) => console.log(error.message))`)).toContain(
      "does not know its application",
    );
  });

  test("holds no searching for credentials, no client that is not used, and nothing of the local runtime or the CDK", () => {
    const out = join(folder, "contents");
    const { outputs } = bundleInto(out, [{ name: "code", entry: operatorEntry(COUNT_WORDS, "count-words") }], UNUSED);
    const [, { inputs }] = Object.entries(outputs).find(([file]) => file.endsWith("code/index.mjs"))!;
    const files = Object.keys(inputs).filter((file) => inputs[file]!.bytesInOutput > 0);
    const holds = (pattern: RegExp) => files.filter((file) => pattern.test(file));
    expect(holds(/credential-provider-(node|sso|ini|process|web-identity)/)).toEqual([]);
    expect(holds(/client-s3|client-secrets-manager/)).toEqual([]);
    expect(holds(/lib\/(local|simulation|cli|cdk)\//)).toEqual([]);
    // Of the SDK its modules, of which what is not used is left out: the reading of user agents, for one.
    expect(holds(/dist-cjs|bowser/)).toEqual([]);
    expect(holds(/client-dynamodb/)).not.toEqual([]);
  });

  test("is less than 500 KB in its zip, with the map of the author's files and of ours alone", () => {
    const file = bundle("size", operatorEntry(COUNT_WORDS, "count-words"), UNUSED);
    const zipped = [file, `${file}.map`].map((one) => deflateRawSync(readFileSync(one)).length);
    expect(zipped[0]! + zipped[1]!).toBeLessThan(500_000);
    const { sources } = JSON.parse(readFileSync(`${file}.map`, "utf8")) as { sources: string[] };
    expect(sources.filter((source) => source.includes("node_modules"))).toEqual([]);
    expect(sources.some((source) => source.endsWith("functions/count-words.ts"))).toBe(true);
  });

  test("shows in stacks where the author's code threw", async () => {
    const author = join(folder, "throws.mjs");
    const text =
      "// A line before it.\n\nexport const one = { operatorName: 'own', fail() { throw new Error('here'); } };\n";
    writeFileSync(author, text);
    const file = bundle("throws", operatorEntry(author, "own"), UNUSED);
    const script = "try { bundle.handler.fail(); } catch (error) { console.log(error.stack); }";
    expect(await run(file, script, { NODE_OPTIONS: "--enable-source-maps" })).toMatch(/throws\.mjs:3:\d+/);
  });

  test("keeps a client that an author loads, though we do not", async () => {
    const author = join(folder, "author.mjs");
    writeFileSync(
      author,
      `import { S3Client } from "@aws-sdk/client-s3"; export const one = { operatorName: "own", client: S3Client.name };`,
    );
    const file = bundle("own", operatorEntry(author, "own"), UNUSED);
    expect(await run(file, "console.log(bundle.handler.client)")).toBe("S3Client");
  });

  test("has the same bytes twice", () => {
    const [one, other] = ["one", "two"].map((name) => bundle(name, operatorEntry(COUNT_WORDS, "count-words"), UNUSED));
    for (const end of ["", ".map"]) expect(readFileSync(`${one}${end}`)).toEqual(readFileSync(`${other}${end}`));
  });
});

test("the function that creates topics does nothing when a stack is deleted", async () => {
  const file = bundle("topics", ownEntry("create-topics"));
  const script = `console.log(JSON.stringify(await bundle.handler({ RequestType: "Delete", ResourceProperties: {} })))`;
  expect(await run(file, script)).toBe("{}");
});

test("what esbuild cannot bundle is said with its reason", () => {
  expect(() => bundle("broken", `import "./not-there.mjs";`)).toThrow(/The functions cannot be bundled: .*not-there/s);
});
