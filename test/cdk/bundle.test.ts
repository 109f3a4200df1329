/** Bundles: what is in them, that they are handlers, and that the same sources make the same bytes wherever they are made. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
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
    const file = bundle("contents", operatorEntry(COUNT_WORDS, "count-words"), UNUSED);
    const { sources } = JSON.parse(readFileSync(`${file}.map`, "utf8")) as { sources: string[] };
    const holds = (pattern: RegExp) => sources.filter((source) => pattern.test(source));
    expect(holds(/credential-provider-(node|sso|ini|process|web-identity)/)).toEqual([]);
    expect(holds(/client-s3|client-secrets-manager/)).toEqual([]);
    expect(holds(/lib\/(local|simulation|cli|cdk)\//)).toEqual([]);
    expect(holds(/client-dynamodb/)).not.toEqual([]);
    expect(statSync(file).size).toBeLessThan(1_500_000);
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
