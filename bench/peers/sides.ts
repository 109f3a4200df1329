/** Who takes part in the comparison: how each is started, and what it promises. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child, startModule } from "../services/child.ts";
import type { Servers } from "../services/servers.ts";
import { javaCommand } from "./java-side.ts";
import type { Promised } from "./read-results.ts";
import { resultsOf, VIEWS_TOPIC } from "./views.ts";

export type Side = {
  /** A word for topics, state and the command line. */
  readonly id: string;
  readonly what: string;
  readonly promised: Promised;
  readonly isExtra?: boolean;
  start(servers: Pick<Servers, "kafka" | "dynamodb">, round: string, records: number): Promise<Child>;
};

const MILLRACE = new URL("./millrace-side.ts", import.meta.url);
const MILLRACE_FUNCTIONS = new URL("./millrace-functions.ts", import.meta.url);
const FLINK = { project: "flink", main: "FlinkSide" } as const;
const KAFKA_STREAMS = { project: "kafka-streams", main: "KafkaStreamsSide" } as const;

export const SIDES: readonly Side[] = [
  flink("flink-1s", "exactly-once", 1_000),
  flink("flink-10s", "exactly-once", 10_000),
  flink("flink-alo", "at-least-once", 1_000),
  kafkaStreams("streams-eos", "exactly_once_v2"),
  kafkaStreams("streams-alo", "at_least_once"),
  millrace("millrace", "functions and local poller in one process", MILLRACE, "columns"),
  millrace("functions-parsed", "the functions alone, events parsed by the runtime", MILLRACE_FUNCTIONS, "parsed"),
  millrace("functions-text", "the functions alone, events as text", MILLRACE_FUNCTIONS, "text"),
  // These show what a trick is worth, and take part where they are named.
  {
    ...millrace("millrace-text", "functions and poller in one process, events as text between them", MILLRACE, "text"),
    isExtra: true,
  },
  {
    ...millrace(
      "functions-tight",
      "the functions alone, events parsed, V8's heap left alone",
      MILLRACE_FUNCTIONS,
      "tight",
    ),
    isExtra: true,
  },
];

function millrace(id: string, how: string, module: URL, ...more: readonly string[]): Side {
  return {
    id,
    what: `Millrace, ${how}, exactly once`,
    promised: "each, perhaps repeated",
    start: async ({ kafka, dynamodb }, round, records) =>
      startModule(module, [kafka, dynamodb, round, String(records), ...more]),
  };
}

function flink(id: string, guarantee: "exactly-once" | "at-least-once", checkpointMs: number): Side {
  return {
    id,
    what: `Apache Flink 2.2, ${guarantee}, checkpoints every ${checkpointMs / 1_000} s`,
    promised: guarantee === "exactly-once" ? "each once" : "each, perhaps repeated",
    start: async ({ kafka }, round, records) =>
      startJavaSide(FLINK, [
        kafka,
        VIEWS_TOPIC,
        resultsOf(round).topicName,
        String(records),
        guarantee,
        String(checkpointMs),
      ]),
  };
}

function kafkaStreams(id: string, guarantee: "exactly_once_v2" | "at_least_once"): Side {
  return {
    id,
    what: `Kafka Streams 4.3, ${guarantee}, commits every 1 s`,
    promised: "updates",
    start: async ({ kafka }, round, records) =>
      startJavaSide(KAFKA_STREAMS, [
        kafka,
        VIEWS_TOPIC,
        resultsOf(round).topicName,
        String(records),
        guarantee,
        "1000",
        newFolder(),
      ]),
  };
}

let folder: string | undefined;

/** In one that is gone with this process. */
function newFolder(): string {
  if (folder === undefined) {
    const all = mkdtempSync(join(tmpdir(), "millrace-streams-"));
    process.once("exit", () => rmSync(all, { recursive: true, force: true }));
    folder = all;
  }
  return mkdtempSync(join(folder, "run-"));
}

async function startJavaSide(side: Parameters<typeof javaCommand>[0], args: readonly string[]): Promise<Child> {
  return new Child("java", [...(await javaCommand(side)), ...args]);
}
