/**
 * A function in a process of its own, as Lambda has it: it is given the text of events, one frame each, and answers each with a line. What it is to do with them
 * is `parsed`, where Lambda's runtime for Node has parsed the text before the handler sees it, or `text`, where a runtime of one's own hands it on; `tight` is `parsed` with
 * V8's own measure of how far its heap may grow.
 */

import { Buffer } from "node:buffer";
import { newHost } from "../../lib/local/host.ts";
import { openServices } from "../../lib/local/services.ts";
import { letHeapGrow } from "../../lib/runtime/heap-growth.ts";
import { HOST } from "../../lib/runtime/host.ts";
import { FRAME_HEAD_BYTES } from "./function-client.ts";
import { countingApplication } from "./views.ts";

const [kafka, dynamodb, round, form] = process.argv.slice(2) as [string, string, string, "parsed" | "text" | "tight"];
// As a function does that is opened on Lambda.
if (form !== "tight") letHeapGrow();
const application = countingApplication(round);
const { broker, stateLog } = await openServices(application, { kafka, dynamodb });
const [operator] = application.operators as [(typeof application.operators)[0]];
const host = newHost({
  topology: application.topology,
  broker,
  stateLog,
  now: () => Date.now(),
  wake: () => {},
  report: () => {},
});

async function answer(id: number, text: string): Promise<void> {
  const context = {
    awsRequestId: String(id),
    functionName: round,
    getRemainingTimeInMillis: () => 60_000,
    [HOST]: host,
  };
  try {
    await operator(form === "text" ? text : JSON.parse(text), context);
    process.stdout.write(`${id}\n`);
  } catch (error) {
    process.stdout.write(`${id} ${String(error).replaceAll("\n", " ")}\n`);
  }
}

process.stdout.write("ready\n");
let parts: Buffer[] = [];
let bytes = 0;
let wanted = FRAME_HEAD_BYTES;
process.stdin.on("end", () => process.exit(0));
process.stdin.on("data", (part: Buffer) => {
  parts.push(part);
  bytes += part.length;
  while (bytes >= wanted) {
    const all = Buffer.concat(parts);
    const end = FRAME_HEAD_BYTES + all.readUInt32BE(4);
    wanted = end;
    if (all.length < end) parts = [all];
    else {
      void answer(all.readUInt32BE(0), all.toString("utf8", FRAME_HEAD_BYTES, end));
      parts = [all.subarray(end)];
      bytes = all.length - end;
      wanted = FRAME_HEAD_BYTES;
    }
  }
});
