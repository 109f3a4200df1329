/** What the store of blobs in S3 says and does when S3 is slow, silent, away, throttling, damaged, or not what it should be; and that it goes on afterwards. */

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BlobName } from "../../lib/state-log/blob-store.ts";
import { forEachLimited } from "../../lib/state-log/for-each-limited.ts";
import { openBlobStore } from "../../lib/state-log/open-blob-store.ts";
import { S3BlobStore, type S3Settings } from "../../lib/state-log/s3-blob-store.ts";
import { S3_CREDENTIALS, type S3Server, startS3 } from "../../tools/services/s3.ts";
import { bytesOf, digestOf } from "../state-log/blobs.ts";
import { newTask, range } from "../state-log/entries.ts";
import { LossyS3Proxy, refusal } from "./lossy-s3-proxy.ts";

const QUICK = { connectMs: 300, requestMs: 300, silenceMs: 300, callMs: 1_000 };
const MEGABYTE = 1024 * 1024;

const bucket = `failures-${randomUUID()}`;
let server: S3Server;
beforeAll(async () => {
  server = await startS3();
  const store = storeAt();
  await store.open({ create: true });
  store.close();
});
afterAll(() => server?.stop());

const storeAt = (settings: Partial<S3Settings> = {}) =>
  new S3BlobStore({ endpoint: server.endpoint, credentials: S3_CREDENTIALS, bucket, ...settings });

const nameOf = (): BlobName => ({ task: newTask(), folder: "chunks/0-0", number: 1, attemptId: randomUUID() });

/** How long a call takes until it fails, and what it says. */
async function failureOf(call: () => Promise<unknown>): Promise<{ ms: number; code: string; message: string }> {
  const startedMs = performance.now();
  try {
    await call();
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    return { ms: performance.now() - startedMs, code, message };
  }
  throw new Error("The call did not fail.");
}

describe("a server that does not answer", () => {
  const sockets = new Set<Socket>();
  const silent = createServer((request) => request.resume());
  /** Answers with the head and half a body, then stops. */
  const stalling = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-length": "1000" });
    response.write("x".repeat(500));
  });
  beforeAll(async () => {
    for (const one of [silent, stalling]) {
      one.on("connection", (socket) => sockets.add(socket));
      await new Promise<void>((resolve) => {
        one.listen(0, "127.0.0.1", resolve);
      });
    }
  });
  afterAll(() => {
    for (const one of [silent, stalling]) {
      one.closeAllConnections();
      one.close();
    }
  });
  const endpointOf = (one: typeof silent) => `http://127.0.0.1:${(one.address() as AddressInfo).port}`;

  test("fails each call within its deadline, after several attempts, and the outcome is said to be unknown", async () => {
    const store = storeAt({ endpoint: endpointOf(silent), timeouts: QUICK });
    const name = nameOf();
    const before = sockets.size;
    const calls = [
      () => store.put(name, bytesOf(10)),
      () => store.get(name, 10),
      () => store.delete(name),
      () => store.sweep(name, 5),
      () => store.open({ create: false }),
    ];
    for (const failure of await Promise.all(calls.map(failureOf))) {
      expect(failure).toMatchObject({ code: "state-store", message: expect.stringContaining("did not answer") });
      expect(failure.message).toContain("is not known");
      expect(failure.ms).toBeLessThan(QUICK.callMs * 2);
    }
    expect(sockets.size - before).toBeGreaterThanOrEqual(2 * calls.length);
    store.close();
  });

  const LONG = { connectMs: 60_000, requestMs: 60_000, silenceMs: 60_000, callMs: 60_000 };
  const SOON_MS = 400;
  test.each([
    ["the head of an answer does not come", silent, "requestMs", 3],
    ["the socket is silent", silent, "silenceMs", 3],
    ["the body stops in the middle", stalling, "silenceMs", 2],
    ["the body stops in the middle, and the call ends", stalling, "callMs", 1],
    ["nothing ends but the call", silent, "callMs", 1],
  ] as const)("%s", async (_, one, timeout, attempts) => {
    const store = storeAt({ endpoint: endpointOf(one), timeouts: { ...LONG, [timeout]: SOON_MS } });
    const failure = await failureOf(() => store.get(nameOf(), 1_000));
    expect(failure.code).toBe("state-store");
    expect(failure.message).toMatch(/did not answer GetObject .* in time|broke off/);
    expect(failure.ms).toBeGreaterThan(SOON_MS * 0.9);
    // Between attempts the SDK pauses.
    expect(failure.ms).toBeLessThan(SOON_MS * attempts + 2_500);
    store.close();
  });

  test("large bytes are given time for their way", async () => {
    const store = storeAt({ endpoint: endpointOf(silent), timeouts: QUICK });
    const failure = await failureOf(() => store.put(nameOf(), bytesOf(1_000_000)));
    expect(failure.message).toContain("2000 ms");
    expect(failure.ms).toBeGreaterThan(QUICK.requestMs * 2);
    expect(failure.ms).toBeLessThan(2_500);
    store.close();
  });
});

test("a server that is down is said; what was acknowledged is there again, and the same store goes on with it", async () => {
  const store = storeAt({ timeouts: QUICK });
  const [name, next] = [nameOf(), nameOf()];
  const bytes = bytesOf(MEGABYTE);
  await store.put(name, bytes);
  await server.kill();
  const failure = await failureOf(() => store.put(next, bytes));
  expect(failure).toMatchObject({ code: "state-store", message: expect.stringContaining("cannot be reached") });
  expect(failure.message).toContain("ECONNREFUSED");
  await server.restart();
  expect(digestOf(await store.get(name, MEGABYTE))).toBe(digestOf(bytes));
  await store.put(next, bytes);
  store.close();
});

test("a server that hangs and goes on", async () => {
  const store = storeAt({ timeouts: QUICK });
  const name = nameOf();
  await store.put(name, bytesOf(100));
  server.freeze();
  expect((await failureOf(() => store.get(name, 100))).message).toContain("did not answer");
  server.thaw();
  expect(digestOf(await store.get(name, 100))).toBe(digestOf(bytesOf(100)));
  store.close();
});

test("a missing bucket is said when the store is opened, and by every call of one that was not", async () => {
  const missing = { code: "state-store", message: expect.stringContaining('There is no bucket "nowhere"') };
  const store = storeAt({ bucket: "nowhere" });
  await expect(store.open({ create: false })).rejects.toMatchObject(missing);
  await expect(store.put(nameOf(), bytesOf(1))).rejects.toMatchObject(missing);
  await expect(store.get(nameOf(), 1)).rejects.toMatchObject(missing);
  await expect(store.sweep(nameOf(), 1)).rejects.toMatchObject(missing);
  store.close();
});

test("a bucket is made once, whoever asks for it at the same time, and in any region", async () => {
  const name = `made-${randomUUID()}`;
  const settings = { endpoint: server.endpoint, credentials: S3_CREDENTIALS };
  const stores = await Promise.all(
    ["us-east-1", "eu-west-1", "local"].map((region) =>
      openBlobStore(`s3://${name}/a`, { ...settings, table: "t", folder: ".", region }),
    ),
  );
  for (const store of stores) store.close?.();
});

test("a name that no bucket can have is said", async () => {
  const store = storeAt({ bucket: "b1" });
  const failure = await failureOf(() => store.open({ create: true }));
  expect(failure).toMatchObject({ code: "state-store", message: expect.stringContaining("cannot be the name") });
  store.close();
});

test.each([
  [{ accessKeyId: "somebody", secretAccessKey: "local" }],
  [{ accessKeyId: "local", secretAccessKey: "wrong" }],
])("wrong credentials are said: %j", async (credentials) => {
  const store = storeAt({ credentials });
  const failure = await failureOf(() => store.get(nameOf(), 1));
  expect(failure).toMatchObject({ code: "state-store", message: expect.stringContaining("refuses the credentials") });
  expect(failure.message).toContain("s3:ListBucket");
  store.close();
});

describe("what S3 says that no local server does", () => {
  test("a bucket of another region is said, with the region", async () => {
    await using proxy = await new LossyS3Proxy(server.endpoint).listen();
    const store = storeAt({ endpoint: proxy.endpoint });
    const answers = [
      {
        ...refusal(301, "PermanentRedirect", "Use another endpoint."),
        headers: { "x-amz-bucket-region": "eu-west-1" },
      },
      refusal(400, "AuthorizationHeaderMalformed", "The region is wrong.", "<Region>eu-west-1</Region>"),
    ];
    for (const answer of answers) {
      proxy.before = () => answer;
      const failure = await failureOf(() => store.get(nameOf(), 1));
      expect(failure).toMatchObject({ code: "state-store", message: expect.stringContaining("lies in eu-west-1") });
    }
    proxy.before = () => refusal(307, "TemporaryRedirect", "Use another endpoint.");
    expect((await failureOf(() => store.get(nameOf(), 1))).message).toContain("not in the region that was asked");
    store.close();
  });

  test("throttling is waited for a little, and said where it goes on", async () => {
    await using proxy = await new LossyS3Proxy(server.endpoint).listen();
    const store = storeAt({ endpoint: proxy.endpoint });
    let refusals = 2;
    const slowDown = refusal(503, "SlowDown", "Please reduce your request rate.");
    proxy.before = () => (refusals-- > 0 ? slowDown : undefined);
    const name = nameOf();
    await store.put(name, bytesOf(1));
    expect(store.requests).toEqual({ put: 1, get: 0, list: 0, retries: 2 });
    proxy.before = () => slowDown;
    const failure = await failureOf(() => store.put(name, bytesOf(1)));
    expect(failure).toMatchObject({ code: "state-store", message: expect.stringContaining("throttles bucket") });
    store.close();
  });

  test("a deletion of many that S3 refuses in part is a failure, and the next sweep does it again", async () => {
    await using proxy = await new LossyS3Proxy(server.endpoint).listen();
    const store = storeAt({ endpoint: proxy.endpoint });
    const name = nameOf();
    for (const number of [1, 2]) await store.put({ ...name, number }, bytesOf(1));
    const partly = `<DeleteResult><Error><Key>x</Key><Code>AccessDenied</Code><Message>No.</Message></Error></DeleteResult>`;
    proxy.before = ({ method }) => (method === "POST" ? { status: 200, body: partly } : undefined);
    expect((await failureOf(() => store.sweep(name, 9))).message).toContain(
      "refuses the credentials for DeleteObjects",
    );
    proxy.before = () => undefined;
    await store.sweep(name, 9);
    for (const number of [1, 2]) expect(await store.get({ ...name, number }, 1)).toBeUndefined();
    store.close();
  });
});

describe("bytes that are not those that were put", () => {
  const bytes = bytesOf(100_000);

  test("on the way there are refused by S3 itself", async () => {
    // The digest of the request is signed too: what is changed on the way is caught there first.
    const store = storeAt();
    const name = nameOf();
    const given = Uint8Array.from(bytes);
    const put = store.put(name, given);
    given[50_000] = (given[50_000] as number) ^ 1;
    await expect(put).rejects.toMatchObject({ code: "state-store" });
    expect(await store.get(name, bytes.byteLength)).toBeUndefined();
    store.close();
  });

  test("on the way back are asked for once more, and never returned", async () => {
    await using proxy = await new LossyS3Proxy(server.endpoint).listen();
    const store = storeAt({ endpoint: proxy.endpoint });
    const name = nameOf();
    await store.put(name, bytes);
    let times = 1;
    proxy.spoil = ({ method }, body) => (method === "GET" && times-- > 0 ? body.fill(0, 10, 20) : body);
    expect(digestOf(await store.get(name, bytes.byteLength))).toBe(digestOf(bytes));
    times = 2;
    await expect(store.get(name, bytes.byteLength)).rejects.toMatchObject({
      code: "state-broken",
      message: expect.stringContaining("is damaged"),
    });
    store.close();
  });

  test("that break off are asked for once more, then it is said", async () => {
    await using proxy = await new LossyS3Proxy(server.endpoint).listen();
    const store = storeAt({ endpoint: proxy.endpoint });
    const name = nameOf();
    await store.put(name, bytes);
    let times = 1;
    proxy.breaksOff = ({ method }) => method === "GET" && times-- > 0;
    expect(digestOf(await store.get(name, bytes.byteLength))).toBe(digestOf(bytes));
    times = 2;
    await expect(store.get(name, bytes.byteLength)).rejects.toMatchObject({
      code: "state-store",
      message: expect.stringContaining("broke off"),
    });
    store.close();
  });
});

describe("requests", () => {
  test("are counted for the task that they were for; a sweep lists only now and then, and in pages", async () => {
    await using proxy = await new LossyS3Proxy(server.endpoint).listen();
    const store = storeAt({ endpoint: proxy.endpoint });
    const [name, other] = [nameOf(), nameOf()];
    await forEachLimited(range(0, 1_004), 8, (number) => store.put({ ...name, number }, bytesOf(1)));
    await store.put(other, bytesOf(1));
    await store.get(other, 1);
    expect(store.takeRequests(name.task)).toEqual({ put: 1_005, get: 0, list: 0 });
    expect(store.takeRequests(other.task)).toEqual({ put: 1, get: 1, list: 0 });
    const from = proxy.calls.length;
    await store.sweep(name, 1_004);
    expect(proxy.calls.slice(from).map(({ method }) => method)).toEqual(["GET", "GET", "POST", "POST"]);
    expect(await store.get({ ...name, number: 1_004 }, 1)).toBeDefined();
    for (let number = 2_000; number < 2_063; number += 1) {
      await store.put({ ...name, number }, bytesOf(1));
      await store.sweep(name, number);
    }
    expect(store.takeRequests(name.task)).toEqual({ put: 63, get: 1, list: 2 });
    // A neighbour died in between, and nobody here knows.
    const lost = { ...name, number: 2_001, attemptId: "lost" };
    const neighbour = storeAt();
    await neighbour.put(lost, bytesOf(1));
    await store.sweep(name, 3_000);
    expect(store.takeRequests(name.task)).toMatchObject({ list: 1 });
    expect(await neighbour.get(lost, 1)).toBeUndefined();
    neighbour.close();
    store.close();
  });
});

test("a closed store says so", async () => {
  const store = storeAt();
  store.close();
  await expect(store.get(nameOf(), 1)).rejects.toMatchObject({ message: expect.stringContaining("no longer open") });
});
