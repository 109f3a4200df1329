/**
 * Counts the views with an operator whose functions have processes of their own, as on Lambda, where the poller is Amazon's: what is measured is what the
 * functions' processes take, from the text of an event on their standard input to the commit and the outputs. Started as a process of its own.
 */

import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { EventSourceMapping } from "../../lib/local/event-source-mapping.ts";
import { consumerGroupOf } from "../../lib/local/local-runtime.ts";
import { topicsReadBy } from "../../lib/local/tick.ts";
import { FunctionClient } from "./function-client.ts";
import { Meter, takePart } from "./side-process.ts";
import { countingApplication, VIEWS_TOPIC } from "./views.ts";

/** Records in an invocation: the most that Lambda gives. */
const BATCH = 10_000;
const TIMEOUT_MS = 60_000;

const [kafka, dynamodb, round, records, form] = process.argv.slice(2) as [string, string, string, string, string];
const application = countingApplication(round);
const { functions } = application.topology;
const clients: FunctionClient[] = [];
for (const _ of functions) clients.push(await FunctionClient.start([kafka, dynamodb, round, form]));
const broker = new KafkaBroker({ brokers: [kafka] });
const meter = new Meter(
  clients.map(({ pid }) => pid),
  Number(records),
);

await takePart(meter, async () => {
  const stopping = new AbortController();
  const running = functions.flatMap((plan, i) =>
    topicsReadBy(plan).map(({ topic }) =>
      new EventSourceMapping({
        broker,
        topic,
        consumerGroup: consumerGroupOf(application, plan),
        function: {
          name: plan.name,
          handler: (event: string) => (clients[i] as FunctionClient).invoke(event),
          acceptsText: true,
          timeoutMs: TIMEOUT_MS,
        },
        batchSize: BATCH,
        // As an environment of Lambda has it.
        concurrencyMax: 1,
        batchWindowMs: 0,
        observe(notice) {
          if (notice.kind === "invoked" && topic === VIEWS_TOPIC) meter.read(notice.records);
          if (notice.kind === "invoked" && notice.outcome.kind !== "succeeded")
            process.stderr.write(`${String(notice.outcome.error)}\n`);
        },
      }).run(stopping.signal),
    ),
  );
  return async () => {
    stopping.abort();
    await Promise.all(running);
    await Promise.all(clients.map((client) => client.stop()));
    await broker.close();
  };
});
