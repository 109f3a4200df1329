/** Lambda's API as functions are invoked through it: what is sent, and what becomes of each answer. */

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LambdaApi } from "../../lib/local/lambda-api.ts";

type Answer = { readonly status: number; readonly headers?: Record<string, string>; readonly body: string };

/** By function. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  counts: { status: 200, body: '{"batchItemFailures":[]}' },
  configured: { status: 200, body: '{"Environment":{"Variables":{"MILLRACE_APPLICATION":"shop"}}}' },
  says_nothing: { status: 200, body: "" },
  throws: {
    status: 200,
    headers: { "x-amz-function-error": "Unhandled" },
    body: '{"errorType":"RangeError","errorMessage":"too far","trace":[]}',
  },
  ends: { status: 200, headers: { "x-amz-function-error": "Unhandled" }, body: '{"errorMessage":"Task timed out"}' },
  gone: { status: 404, body: '{"Message":"Function not found"}' },
  forbidden: { status: 403, body: '{"Message":"not authorized to perform lambda:InvokeFunction"}' },
  busy: { status: 429, body: "slow down" },
};

let server: Server;
let endpoint = "";
let seen: { request: IncomingMessage; body: string } | undefined;
beforeAll(async () => {
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      seen = { request, body: Buffer.concat(parts).toString() };
      const { status, headers, body } = ANSWERS[request.url?.split("/")[3] ?? ""] as Answer;
      response.writeHead(status, headers).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
});

const open = () =>
  new LambdaApi({ endpoint, region: "eu-west-1", credentials: { accessKeyId: "key", secretAccessKey: "secret" } });

test("an invocation is a signed POST of the event, and gives what the function returned", async () => {
  expect(await open().invoke("counts", '{"a":"é"}')).toEqual({ batchItemFailures: [] });
  expect(seen?.request.method).toBe("POST");
  expect(seen?.request.url).toBe("/2015-03-31/functions/counts/invocations");
  expect(seen?.body).toBe('{"a":"é"}');
  expect(seen?.request.headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/eu-west-1\/lambda\/aws4_request, SignedHeaders=.*host.*, Signature=[0-9a-f]{64}$/,
  );
  expect(await open().invoke("says_nothing", "{}")).toBeNull();
});

test.each([
  ["throws", "RangeError", "too far"],
  ["ends", "Error", "Task timed out"],
  ["gone", "MillraceError", `There is no function "gone" at http`],
  ["forbidden", "MillraceError", "403 not authorized to perform lambda:InvokeFunction"],
  ["busy", "Error", "429 slow down"],
])("what %s answers is an error with its name and its message", async (name, errorName, message) => {
  const error = await open()
    .invoke(name, "{}")
    .catch((caught: Error) => caught);
  expect(error).toMatchObject({ name: errorName, message: expect.stringContaining(message) });
});

test("what a function was deployed with is asked for without invoking it", async () => {
  expect(await open().environmentOf("configured")).toEqual({ MILLRACE_APPLICATION: "shop" });
  expect(seen?.request.method).toBe("GET");
  expect(seen?.request.url).toBe("/2015-03-31/functions/configured/configuration");
  expect(await open().environmentOf("counts")).toEqual({});
  expect(await open().environmentOf("gone")).toBeUndefined();
  await expect(open().environmentOf("forbidden")).rejects.toThrow("not authorized");
});

test("nobody is there: the reason is that of the connection", async () => {
  const nobody = new LambdaApi({
    endpoint: "http://127.0.0.1:1",
    region: "us-east-1",
    credentials: { accessKeyId: "key", secretAccessKey: "secret" },
  });
  await expect(nobody.invoke("counts", "{}")).rejects.toThrow("ECONNREFUSED");
});
