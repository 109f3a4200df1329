/** The function that judges a deployment: what it answers CloudFormation, update by update, and what it accepts of rollbacks. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json, operator, seconds, stream, text, topic, tumbling } from "millrace";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { handler, judge, type VersionEvent, type VersionProperties } from "../../lib/lambda/check-version.ts";
import { codeVersionOf } from "../../lib/runtime/version.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { boundedOutOfOrderness } from "../../lib/stream/watermark-strategy.ts";

const lines = topic("lines", { value: text(), watermark: boundedOutOfOrderness(seconds(5)) });
const counts = topic("counts", { value: json<number>() });

/** What a stack says whose windows are this long. */
function properties(windowSeconds: number, how: Partial<VersionProperties> = {}): VersionProperties {
  const count = operator(
    "count",
    stream(lines)
      .keyBy((line) => line)
      .window(tumbling(seconds(windowSeconds)))
      .count()
      .to(counts.from(({ value }) => value)),
  );
  const deployed = { topicPrefix: "", split: "per-operator", keepsState: true, snapshots: false };
  const version = JSON.stringify({ ...codeVersionOf(buildTopology("shop", [count.definition])), ...deployed });
  return { version, kafka: "arn:one", confirmed: "[]", emulated: "false", ...how };
}

function event(
  before: VersionProperties | undefined,
  now: VersionProperties,
  PhysicalResourceId?: string,
): VersionEvent {
  return {
    RequestType: before === undefined ? "Create" : "Update",
    ResponseURL: "",
    StackId: "stack",
    RequestId: "request",
    LogicalResourceId: "Version",
    ResourceProperties: now,
    ...(before !== undefined && { OldResourceProperties: before }),
    ...(PhysicalResourceId !== undefined && { PhysicalResourceId }),
  };
}

const five = properties(5);
const six = properties(6);

/** The id under which something is accepted. */
function accepted(verdict: ReturnType<typeof judge>): string {
  expect(verdict).toMatchObject({ accepted: true });
  return verdict.accepted ? verdict.physicalId : "";
}

function refusal(verdict: ReturnType<typeof judge>): string {
  expect(verdict).toMatchObject({ accepted: false });
  return verdict.accepted ? "" : verdict.reason;
}

const created = () => accepted(judge(event(undefined, five), false));
const idIn = (reason: string) => JSON.parse(/confirm: (\[.*?\])/.exec(reason)?.[1] ?? "[]") as string[];

test("a first deployment is accepted, and so is one that changes nothing", () => {
  expect(accepted(judge(event(five, five, created()), false))).toBe(created());
});

test("a dangerous change is refused with its sentence and its id, and accepted where that id is confirmed", () => {
  const reason = refusal(judge(event(five, six, created()), false));
  expect(reason).toMatch(
    /^Nothing was changed\. count--by-key\/by-key\/window keeps tumbling of 5000 ms in event time, count, and its code has tumbling of 6000 ms .* What is meant is confirmed by confirm: \["count--by-key\/by-key\/window@[0-9a-f]{8}"\] in MillraceApp; millrace changes lists all\.$/,
  );
  const confirmed = properties(6, { confirmed: JSON.stringify(idIn(reason)) });
  accepted(judge(event(five, confirmed, created()), false));
  const another = properties(7, { confirmed: JSON.stringify(idIn(reason)) });
  refusal(judge(event(five, another, created()), false));
});

test("after a refusal CloudFormation goes back to what is deployed, and the refused version stays refused", () => {
  const id = created();
  refusal(judge(event(five, six, id), false));
  expect(accepted(judge(event(six, five, id), false))).toBe(id);
  refusal(judge(event(five, six, id), false));
});

test("after an accepted change that failed elsewhere CloudFormation goes back, and no further", () => {
  const { confirmed } = { confirmed: JSON.stringify(idIn(refusal(judge(event(five, six, created()), false)))) };
  const next = { ...six, confirmed };
  const after = accepted(judge(event(five, next, created()), false));
  const back = accepted(judge(event(next, five, after), false));
  refusal(judge(event(five, properties(7), back), false));
  const seven = properties(7);
  const id = idIn(refusal(judge(event(six, seven, after), false)));
  const later = accepted(judge(event(six, { ...seven, confirmed: JSON.stringify(id) }, after), false));
  refusal(judge(event(seven, five, later), false));
});

test("another Kafka is refused, whatever else is the same", () => {
  const moved = properties(5, { kafka: "arn:two" });
  const reason = refusal(judge(event(five, moved, created()), false));
  expect(reason).toContain("The application runs on arn:one and would run on arn:two.");
  accepted(judge(event(five, { ...moved, confirmed: JSON.stringify(idIn(reason)) }, created()), false));
});

test("a stack for an emulator is refused at AWS, and accepted in one", () => {
  const emulated = properties(5, { emulated: "true" });
  expect(refusal(judge(event(undefined, emulated), false))).toContain("This stack says Kafka.emulated");
  accepted(judge(event(undefined, emulated), true));
  accepted(judge({ ...event(undefined, emulated), RequestType: "Delete", PhysicalResourceId: "none" }, false));
});

test("many changes leave room for the ids in what CloudFormation shows", () => {
  const many = JSON.parse(five.version);
  const [, window] = Object.entries(many.functions)[1] as [string, { state: object }];
  window.state = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`by-key/step-${i}`, { shape: "rolling sum" }]),
  );
  const before = { ...five, version: JSON.stringify(many) };
  const reason = refusal(judge(event(before, five, accepted(judge(event(undefined, before), false))), false));
  expect(reason.length).toBeLessThan(3_200);
  expect(idIn(reason)).toHaveLength(12);
  expect(reason).toContain("], and 18 more in MillraceApp; millrace changes lists all.");
});

let server: Server;
const answers: { readonly method: string | undefined; readonly type: string | undefined; readonly body: string }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes) => {
      body += String(bytes);
    });
    request.on("end", () => {
      answers.push({ method: request.method, type: request.headers["content-type"], body });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => server.close());
afterEach(() => answers.splice(0));

test("CloudFormation is answered in bytes without a type, with the refusal as the reason, and also where versions cannot be read", async () => {
  const ResponseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer`;
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  await handler({ ...event(undefined, five), ResponseURL });
  await handler({ ...event(five, six, "id"), ResponseURL });
  await handler({ ...event({ ...five, version: "?" }, six, "id"), ResponseURL });
  expect(warned).toHaveBeenCalledTimes(2);
  warned.mockRestore();
  expect(answers.map(({ method, type }) => [method, type])).toEqual(new Array(3).fill(["PUT", undefined]));
  expect(answers.map(({ body }) => JSON.parse(body))).toMatchObject([
    { Status: "SUCCESS", StackId: "stack", RequestId: "request", LogicalResourceId: "Version" },
    { Status: "FAILED", PhysicalResourceId: "id", Reason: expect.stringContaining("Nothing was changed.") },
    { Status: "FAILED", PhysicalResourceId: "id", Reason: expect.stringContaining("could not be compared") },
  ]);
});
