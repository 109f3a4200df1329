/** What is loaded with an operator file: neither the AWS SDK nor the Kafka client, which cost a cold start some hundred milliseconds. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Prints how many modules an import loads, and those among them that match. */
const SCRIPT = `
import { registerHooks } from "node:module";
const [specifier, pattern] = process.argv.slice(1);
const urls = [];
registerHooks({ resolve: (name, context, next) => { const found = next(name, context); urls.push(found.url); return found; } });
await import(specifier);
console.log(JSON.stringify([urls.length, urls.filter((url) => new RegExp(pattern).test(url)).length]));
`;

function countLoaded(file: string, pattern: string): [all: number, matching: number] {
  const options = ["--conditions=millrace-source", "--disable-warning=ExperimentalWarning", "--input-type=module"];
  return JSON.parse(
    execFileSync(process.execPath, [...options, "-e", SCRIPT, `${ROOT}${file}`, pattern], { encoding: "utf8" }),
  );
}

const CLIENTS = "/node_modules/(@aws-sdk|@smithy|kafkajs)/";

test("importing millrace loads no client of a service", () => {
  const [all, clients] = countLoaded("lib/index.ts", CLIENTS);
  expect(all).toBeGreaterThan(20);
  expect(clients).toBe(0);
});

test.each(["lib/state-log/dynamodb-state-log.ts", "lib/state-log/open-blob-store.ts", "lib/local/services.ts"])(
  "importing %s does not load the client for S3, which only a bucket needs",
  (file) => {
    const client = "/node_modules/@aws-sdk/client-s3/";
    expect(countLoaded(file, client)[1]).toBe(0);
    expect(countLoaded("lib/state-log/s3-blob-store.ts", client)[1]).toBeGreaterThan(0);
  },
);

test("importing the broker over Kafka does not load the AWS SDK, which only a login by IAM needs", () => {
  const sdk = "/node_modules/(@aws-sdk|@smithy)/";
  expect(countLoaded("lib/kafka/kafka-broker.ts", sdk)[1]).toBe(0);
  expect(countLoaded("lib/kafka/msk-iam.ts", sdk)[1]).toBeGreaterThan(0);
});

test("importing the log in DynamoDB loads its client, so the counts above can tell", () => {
  expect(countLoaded("lib/state-log/dynamodb-state-log.ts", CLIENTS)[1]).toBeGreaterThan(5);
});
