/** `millrace esm`: an event source mapping by itself, between a topic of any Kafka and any Lambda handler. */

import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { EventSourceMapping } from "../../local/event-source-mapping.ts";
import { importFile } from "../../local/import-file.ts";
import type { LambdaHandler } from "../../local/invocation.ts";
import type { MappingNotice } from "../../local/mapping-options.ts";
import { MillraceError } from "../../stream/error.ts";
import { listOf, quote } from "../../stream/sentence.ts";
import { examples } from "../help.ts";
import { kafkaSettingsOption } from "../place.ts";
import { showPlural } from "../printable.ts";
import type { Terminal } from "../terminal.ts";
import { waitForInterrupt } from "../wait.ts";

const EXPORT_DEFAULT = "handler";

type EsmOptions = {
  readonly topic: string;
  readonly handler: string;
  readonly kafka?: string;
  readonly kafkaSettings?: string;
  readonly profile?: string;
  readonly group?: string;
  readonly batchSize?: number;
  readonly batchWindow?: number;
  readonly timeout?: number;
  readonly latest?: true;
  readonly provisioned?: true;
  readonly bisect?: true;
  readonly partialResponses?: true;
  readonly retries?: number;
};

export function esmCommand(terminal: Terminal): Command {
  return new Command("esm")
    .description("Invoke any Lambda handler with a topic's records, as Lambda's Kafka event source mapping does.")
    .requiredOption("--topic <name>", "the topic to read")
    .requiredOption("--handler <file>", `a file with a handler; file#name for another export than "${EXPORT_DEFAULT}"`)
    .option("--kafka <servers>", "host:port, separated by commas (default: KAFKA_BOOTSTRAP_SERVERS, or 127.0.0.1:9092)")
    .addOption(kafkaSettingsOption())
    .option("--profile <name>", "log in to Kafka by IAM with the credentials of this AWS profile")
    .option("--group <name>", "the consumer group that keeps the position (default: millrace-esm.<topic>)")
    .option("--batch-size <n>", "records in one invocation at the most, 1 to 10000 (default: 100)", toNumber)
    .option("--batch-window <ms>", "how long a batch waits to get full (default: 500)", toNumber)
    .option("--timeout <ms>", "the function's time limit (default: 3000)", toNumber)
    .option("--latest", "begin with what is written from now on, where the group has no position")
    .option("--provisioned", "with what Lambda has in provisioned mode only: the next three")
    .option("--bisect", "halve a batch that fails")
    .option("--partial-responses", "believe `batchItemFailures`")
    .option("--retries <n>", "give a batch up after so many retries", toNumber)
    .addHelpText(
      "after",
      examples([
        ["millrace esm --topic orders --handler ./my-handler.ts", "from 127.0.0.1:9092"],
        [
          "millrace esm --topic orders --handler ./my-handler.ts#second --kafka broker:9092 --batch-size 1000",
          "another export, elsewhere, in large batches",
        ],
        [
          "millrace esm --topic orders --handler ./my-handler.ts --kafka-settings kafka.json",
          "from a Kafka with TLS and a login",
        ],
      ]),
    )
    .action(async (options: EsmOptions) => {
      const handler = await handlerOf(options.handler, terminal);
      const { KafkaBroker } = await import("../../kafka/kafka-broker.ts");
      const { readKafkaSettings } = await import("../../kafka/read-kafka-settings.ts");
      const { kafka, kafkaSettings, profile } = options;
      const settings = readKafkaSettings({ brokers: kafka, file: kafkaSettings, profile, folder: terminal.folder });
      const broker = new KafkaBroker(settings);
      const interrupt = waitForInterrupt(terminal);
      try {
        await checkTopic(broker, options.topic);
        const mapping = newMapping(options, handler, broker, settings.brokers.join(), terminal);
        const stopping = new AbortController();
        const running = mapping.run(stopping.signal);
        terminal.out(`Reading ${options.topic} for ${options.handler}; Ctrl-C stops.\n`);
        await Promise.race([interrupt.over, running]);
        stopping.abort();
        await running;
        terminal.out(`Stopped after ${showPlural(mapping.counters.records, "record")}.\n`);
      } finally {
        interrupt.end();
        await broker.close();
      }
    });
}

function newMapping(
  options: EsmOptions,
  handler: LambdaHandler,
  broker: InstanceType<typeof import("../../kafka/kafka-broker.ts").KafkaBroker>,
  bootstrapServers: string,
  terminal: Terminal,
): EventSourceMapping {
  const { topic, batchSize, batchWindow, timeout, retries } = options;
  return new EventSourceMapping({
    broker,
    topic,
    consumerGroup: options.group ?? `millrace-esm.${topic}`,
    function: { name: topic, handler, ...(timeout !== undefined && { timeoutMs: timeout }) },
    startingPosition: options.latest === true ? "LATEST" : "TRIM_HORIZON",
    mode: options.provisioned === true ? "provisioned" : "on-demand",
    ...(batchSize !== undefined && { batchSize }),
    ...(batchWindow !== undefined && { batchWindowMs: batchWindow }),
    ...(options.bisect === true && { bisectBatchOnFunctionError: true }),
    ...(options.partialResponses === true && { reportBatchItemFailures: true }),
    ...(retries !== undefined && { maximumRetryAttempts: retries }),
    eventSource: "SelfManagedKafka",
    bootstrapServers,
    observe: (notice) => {
      const sentence = toSentence(notice);
      if (notice.kind === "invoked" && notice.outcome.kind === "succeeded") terminal.out(`${sentence}\n`);
      else terminal.err(`${sentence}\n`);
    },
  });
}

/** A mapping would wait for a topic for ever; whoever typed its name wants to know. */
async function checkTopic(broker: { topics(): Promise<readonly { name: string }[]> }, topic: string): Promise<void> {
  const names = (await broker.topics()).map(({ name }) => name);
  if (!names.includes(topic))
    throw new MillraceError("usage", `There is no topic ${quote(topic)}; there are: ${listOf(names)}.`);
}

async function handlerOf(named: string, terminal: Terminal): Promise<LambdaHandler> {
  const [file = "", name = EXPORT_DEFAULT] = named.split("#");
  const exported = (await importFile(resolve(terminal.folder, file)))[name];
  if (typeof exported === "function") return exported as LambdaHandler;
  throw new MillraceError(
    "usage",
    `${file} exports no function called ${quote(name)}; another one is named as ${file}#name.`,
  );
}

function toSentence(notice: MappingNotice): string {
  switch (notice.kind) {
    case "invoked": {
      const { records, partitions, outcome, tookMs } = notice;
      const what = `${showPlural(records, "record")} of ${partitions.length === 1 ? "partition" : "partitions"} ${partitions.join(", ")}`;
      if (outcome.kind === "succeeded") return `${what} in ${Math.round(tookMs)} ms`;
      return `${what} failed: ${outcome.error instanceof Error ? outcome.error.message : String(outcome.error)}`;
    }
    case "discarded":
      return `given up: ${notice.discarded.condition}, ${notice.discarded.partitions.map((p) => `partition ${p.partition}, offsets ${p.firstOffset} to ${p.lastOffset}`).join("; ")}`;
    case "reset":
      return `partition ${notice.partition}: offset ${notice.from} is not there any more, going on at ${notice.to}`;
    case "broker-failed":
      return notice.error instanceof Error ? notice.error.message : String(notice.error);
    default:
      return notice satisfies never;
  }
}

function toNumber(text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is not a whole number.");
}
