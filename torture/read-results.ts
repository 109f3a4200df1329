/**
 * Reads topics to their end as anybody would, with read_committed: with Apache Kafka's own consumer. That of kafkajs 2.2.4 also gives out records of
 * aborted transactions, where those of several producers overlap: it takes the broker's list of them to be in the order in which they began.
 */

import { Buffer } from "node:buffer";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { jarsOf } from "../tools/services/jars.ts";

export type ResultRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: Buffer;
  /** The header by which repeats can be told. */
  readonly id: string | undefined;
  /** When the broker had it: the topics of a run are stamped by the broker. */
  readonly appendedAtMs: number;
};

const OUTPUT_BYTES_MAX = 2 ** 29;

/** All records of the topics that are there now, in order within each partition. */
export async function readResults(bootstrap: string, topics: readonly string[]): Promise<readonly ResultRecord[]> {
  const jars = await jarsOf("kafka", new URL("../tools/services/kafka/pom.xml", import.meta.url));
  const reader = join(import.meta.dirname, "ReadCommitted.java");
  const { stdout } = await promisify(execFile)(
    "java",
    [
      "-Xmx256m",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
      "-cp",
      join(jars, "*"),
      reader,
      bootstrap,
      ...topics,
    ],
    { encoding: "latin1", maxBuffer: OUTPUT_BYTES_MAX },
  );
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map(toRecord);
}

function toRecord(line: string): ResultRecord {
  const [topic, partition, offset, timestamp, key, value, id] = line.split("\t") as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    topic,
    partition: Number(partition),
    offset: Number(offset),
    key: Buffer.from(key, "base64").toString(),
    value: Buffer.from(value, "base64"),
    id: id === "" ? undefined : Buffer.from(id, "base64").toString(),
    appendedAtMs: Number(timestamp),
  };
}
