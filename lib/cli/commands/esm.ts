/** `millrace esm`: an event source mapping by itself, between a topic of any Kafka and any Lambda handler; or all those of a stack that is in an emulator. */

import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Broker } from "../../kafka/broker.ts";
import { EventSourceMapping } from "../../local/event-source-mapping.ts";
import { importFile } from "../../local/import-file.ts";
import type { LambdaHandler } from "../../local/invocation.ts";
import { MillraceError } from "../../stream/error.ts";
import { listOf, quote } from "../../stream/sentence.ts";
import { describeNotice, isExpected } from "../describe-notice.ts";
import { ENDPOINT_HELP, endpointOf } from "../emulator.ts";
import { examples } from "../help.ts";
import { kafkaSettingsOption } from "../place.ts";
import { showPlural } from "../printable.ts";
import type { Terminal } from "../terminal.ts";
import { waitForInterrupt } from "../wait.ts";

const EXPORT_DEFAULT = "handler";

type EsmOptions = KafkaOptions & {
  readonly topic?: string;
  readonly handler?: string;
  readonly stack?: string;
  readonly out: string;
  readonly endpoint?: string;
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

type KafkaOptions = { readonly kafka?: string; readonly kafkaSettings?: string; readonly profile?: string };

/** What a template says of each mapping. */
const SAID_BY_TEMPLATE = [
  "topic",
  "handler",
  "group",
  "batchSize",
  "batchWindow",
  "timeout",
  "latest",
  "provisioned",
  "bisect",
  "partialResponses",
  "retries",
];

export function esmCommand(terminal: Terminal): Command {
  return new Command("esm")
    .description("Invoke any Lambda handler with a topic's records, as Lambda's Kafka event source mapping does.")
    .option("--topic <name>", "the topic to read")
    .option("--handler <file>", `a file with a handler; file#name for another export than "${EXPORT_DEFAULT}"`)
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
    .addOption(
      new Option(
        "--stack <name>",
        "instead of all these: every mapping of a stack in an emulator, as its template says",
      ).conflicts(SAID_BY_TEMPLATE),
    )
    .option("--out <folder>", "what the CDK has made of the stack", "cdk.out")
    .option("--endpoint <address>", ENDPOINT_HELP)
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
        [
          "millrace esm --stack Lines-local --endpoint http://127.0.0.1:4566",
          "what `millrace deploy --local` has deployed begins to count",
        ],
      ]),
    )
    .action(async (options: EsmOptions) => {
      if (options.stack !== undefined) return runStack(options.stack, options, terminal);
      const { topic, handler: file } = options;
      if (topic === undefined || file === undefined)
        throw new MillraceError(
          "usage",
          "What is to be read, and by whom? Say --topic and --handler, or --stack. See `millrace esm --help`.",
        );
      const handler = await handlerOf(file, terminal);
      await withKafka(options, terminal, async (broker, bootstrapServers) => {
        await checkTopics(broker, [topic]);
        const mapping = newMapping(topic, options, handler, broker, bootstrapServers, terminal);
        await runUntilInterrupt([mapping], `Reading ${topic} for ${file}; Ctrl-C stops.`, terminal);
      });
    });
}

/** The mappings of a stack, which the emulator that it is in does not run. */
async function runStack(stack: string, options: EsmOptions, terminal: Terminal): Promise<void> {
  const endpoint = endpointOf(options);
  const { mappingsOf, openMappings } = await import("../stack-mappings.ts");
  const found = mappingsOf(terminal.folder, options.out, stack);
  const kafka = options.kafkaSettings === undefined ? (options.kafka ?? found[0]?.bootstrapServers) : options.kafka;
  const place = { ...options, ...(kafka !== undefined && { kafka }) };
  await withKafka(place, terminal, async (broker, bootstrapServers) => {
    const topics = [...new Set(found.map(({ topic }) => topic))];
    await checkTopics(broker, topics);
    const mappings = await openMappings(found, {
      endpoint,
      broker,
      bootstrapServers,
      observe: ({ functionName, topic }, notice) =>
        (isExpected(notice) ? terminal.out : terminal.err).call(
          terminal,
          `${functionName}: ${topic}, ${describeNotice(notice)}\n`,
        ),
    });
    const what = `Reading ${listOf(topics)} for ${showPlural(found.length, "mapping")} of ${stack}; Ctrl-C stops.`;
    await runUntilInterrupt(mappings, what, terminal);
  });
}

async function withKafka(
  { kafka, kafkaSettings, profile }: KafkaOptions,
  { folder }: Terminal,
  use: (broker: Broker, bootstrapServers: string) => Promise<void>,
): Promise<void> {
  const { KafkaBroker } = await import("../../kafka/kafka-broker.ts");
  const { readKafkaSettings } = await import("../../kafka/read-kafka-settings.ts");
  const settings = readKafkaSettings({ brokers: kafka, file: kafkaSettings, profile, folder });
  const broker = new KafkaBroker(settings);
  try {
    await use(broker, settings.brokers.join());
  } finally {
    await broker.close();
  }
}

async function runUntilInterrupt(
  mappings: readonly EventSourceMapping[],
  begin: string,
  terminal: Terminal,
): Promise<void> {
  const interrupt = waitForInterrupt(terminal);
  const stopping = new AbortController();
  try {
    const running = mappings.map((mapping) => mapping.run(stopping.signal));
    terminal.out(`${begin}\n`);
    await Promise.race([interrupt.over, ...running]);
    stopping.abort();
    await Promise.all(running);
    const records = mappings.reduce((sum, { counters }) => sum + counters.records, 0);
    terminal.out(`Stopped after ${showPlural(records, "record")}.\n`);
  } finally {
    stopping.abort();
    interrupt.end();
  }
}

function newMapping(
  topic: string,
  options: EsmOptions,
  handler: LambdaHandler,
  broker: Broker,
  bootstrapServers: string,
  terminal: Terminal,
): EventSourceMapping {
  const { batchSize, batchWindow, timeout, retries } = options;
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
    observe: (notice) =>
      (isExpected(notice) ? terminal.out : terminal.err).call(terminal, `${describeNotice(notice)}\n`),
  });
}

/** A mapping would wait for a topic for ever; whoever typed its name wants to know. */
async function checkTopics(broker: Pick<Broker, "topics">, topics: readonly string[]): Promise<void> {
  const names = (await broker.topics()).map(({ name }) => name);
  for (const topic of topics)
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

function toNumber(text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is not a whole number.");
}
