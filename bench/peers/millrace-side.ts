/** Counts the views with an operator: functions and poller in one process, as `millrace run` has them. Started as a process of its own. */

import { startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { openServices } from "../../lib/local/services.ts";
import { letHeapGrow } from "../../lib/runtime/heap-growth.ts";
import { Meter, takePart } from "./side-process.ts";
import { countingApplication, VIEWS_TOPIC } from "./views.ts";

/** Records in an invocation: the most that Lambda gives. */
const BATCH = 10_000;

const [kafka, dynamodb, round, records, events] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  "columns" | "text",
];
const application = countingApplication(round);
const workspace = await openServices(application, { kafka, dynamodb });
letHeapGrow();
const meter = new Meter([process.pid], Number(records));

await takePart(meter, async () => {
  const runtime = await startLocalRuntime({
    application,
    workspace,
    batchSize: BATCH,
    events,
    onReport: (report) => {
      if (report.topic === VIEWS_TOPIC) meter.read(report.records);
    },
    onProblem: (sentence) => process.stderr.write(`${sentence}\n`),
  });
  return async () => {
    await runtime.stop();
    await workspace.close();
  };
});
