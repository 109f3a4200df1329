/**
 * A process of the adding function that stops itself (SIGSTOP) at one place, the first time it comes there after it was told "arm" on standard input.
 * What becomes of it after SIGCONT it says on standard output. It ends with its standard input.
 */

import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { openServices } from "../../lib/local/services.ts";
import { newZombieApplication } from "./zombie-application.ts";

const [kafka, dynamodb, name, place] = process.argv.slice(2) as [string, string, string, string];
const ASK_TO_STOP_MS = 200;
/** Kafka's numbers of requests. */
const REQUESTS: Readonly<Record<string, number>> = { AddOffsetsToTxn: 25, EndTxn: 26, TxnOffsetCommit: 28 };

let isArmed = false;
const say = (text: string) => process.stdout.write(`${text}\n`);

function reach(here: string): void {
  if (!isArmed || here !== place) return;
  isArmed = false;
  process.kill(process.pid, "SIGSTOP");
  // The signal may take a moment, and nothing must happen before.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ASK_TO_STOP_MS);
  say("goes on");
}

/** The port, but that `reach` is called before a call of `method`, and its failure is told. */
function stoppingBefore<T extends object>(port: T, method: keyof T & string, here: string): T {
  return new Proxy(port, {
    get(target, property) {
      const member = Reflect.get(target, property, target);
      if (typeof member !== "function") return member;
      if (property !== method) return member.bind(target);
      return async (...arguments_: unknown[]) => {
        reach(here);
        try {
          return await member.apply(target, arguments_);
        } catch (error) {
          say(`${method} failed: ${(error as Error).message}`);
          throw error;
        }
      };
    },
  });
}

const write = Socket.prototype.write;
Socket.prototype.write = function (this: Socket, ...arguments_: unknown[]) {
  const [bytes] = arguments_;
  if (Buffer.isBuffer(bytes) && bytes.length >= 6)
    for (const [request, key] of Object.entries(REQUESTS)) if (bytes.readInt16BE(4) === key) reach(request);
  return Reflect.apply(write, this, arguments_);
} as typeof write;

const application = newZombieApplication(name);
const workspace = await openServices(application, { kafka, dynamodb });
const broker = stoppingBefore(
  stoppingBefore(workspace.broker, "produce", "between commit and emission"),
  "produceExactlyOnce",
  "between the sends",
);
const stateLog = stoppingBefore(workspace.stateLog, "putEntry", "before the commit");
await startLocalRuntime({
  application,
  workspace: { ...workspace, broker, stateLog },
  only: application.adding,
  onProblem: (sentence) => say(`problem: ${sentence}`),
});
say("runs");
for await (const line of createInterface(process.stdin)) {
  if (line !== "arm") continue;
  isArmed = true;
  say("armed");
}
process.exit();
