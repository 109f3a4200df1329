/** Apache Kafka on this machine: one node, free ports, a temporary folder, small and quick to start. */

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { freePorts } from "./free-ports.ts";
import { jarsOf } from "./jars.ts";
import { startJava } from "./java-process.ts";

const JVM = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
export const LOGIN_USER = "user";
export const LOGIN_PASSWORD = "password";
const READY_TEXT = "Kafka Server started";

const JAAS = "org.apache.kafka.common.security";
/** What a listener that asks for a user and a password says beside its protocol. */
export const PASSWORD_LOGIN: KafkaListener["properties"] = {
  "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
  "plain.sasl.jaas.config": `${JAAS}.plain.PlainLoginModule required user_${LOGIN_USER}="${LOGIN_PASSWORD}";`,
  "scram-sha-256.sasl.jaas.config": `${JAAS}.scram.ScramLoginModule required;`,
  "scram-sha-512.sasl.jaas.config": `${JAAS}.scram.ScramLoginModule required;`,
};

/** A port, and what is spoken there. */
export type KafkaListener = {
  readonly protocol: "PLAINTEXT" | "SASL_PLAINTEXT" | "SSL" | "SASL_SSL";
  /** As in server.properties, behind `listener.name.<name>.` */
  readonly properties: Readonly<Record<string, string>>;
};

export type KafkaOptions = {
  readonly port?: number;
  /** An empty one for data and log, which stays. */
  readonly folder?: string;
  /** Beside the two that are always there, by names in small letters. */
  readonly listeners?: Readonly<Record<string, KafkaListener>>;
  /** A folder with classes that the listeners name. */
  readonly classes?: string;
};

export type KafkaServer = {
  /** host:port */
  readonly bootstrap: string;
  /** host:port where a login is asked for: PLAIN or SCRAM, as LOGIN_USER with LOGIN_PASSWORD. */
  readonly loginBootstrap: string;
  /** host:port of each listener. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Ends it and deletes its data, unless they are in a folder of the caller's. */
  stop(): Promise<void>;
  /** SIGKILL; the data stays. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port, after a kill. */
  restart(): Promise<void>;
  /** Stops and continues the process where it is, so that it does not answer but keeps its connections. */
  freeze(): void;
  thaw(): void;
};

/** Starts Kafka and waits until it can be used. The first time downloads it, which takes up to half a minute. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const jars = await kafkaJars();
  const listeners: Readonly<Record<string, KafkaListener>> = {
    plaintext: { protocol: "PLAINTEXT", properties: {} },
    login: { protocol: "SASL_PLAINTEXT", properties: PASSWORD_LOGIN },
    ...options.listeners,
  };
  const names = Object.keys(listeners);
  const [controllerPort, ...ports] = (await freePorts(1 + names.length)) as [number, ...number[]];
  if (options.port !== undefined) ports[0] = options.port;
  const addresses = Object.fromEntries(names.map((name, i) => [name, `127.0.0.1:${ports[i]}`]));
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "millrace-kafka-"));
  const deleteFolder = () => {
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", deleteFolder);
  const logFile = join(folder, "log.txt");
  const settings = join(folder, "server.properties");
  writeFileSync(settings, propertiesOf(join(folder, "data"), controllerPort, listeners, addresses));

  // Classes loaded before are mapped instead of parsed: half the time to start. Written when a server of nothing but jars ends in peace.
  const archive = join(jars, "classes.jsa");
  const fresh = `${archive}.${process.pid}`;
  const archiving = options.classes === undefined ? [`-XX:ArchiveClassesAtExit=${fresh}`] : [];
  const java = (main: string, ...rest: string[]) => [
    ...JVM,
    ...(existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : archiving),
    "-Xlog:disable",
    `-Dorg.slf4j.simpleLogger.defaultLogLevel=${main === "kafka.Kafka" ? "info" : "error"}`,
    "-cp",
    [join(jars, "*"), ...(options.classes === undefined ? [] : [options.classes])].join(delimiter),
    main,
    ...rest,
  ];
  const start = () => startJava("Kafka", java("kafka.Kafka", settings), logFile, READY_TEXT);

  const clusterId = randomBytes(16).toString("base64url");
  let server: Awaited<ReturnType<typeof start>>;
  try {
    const scram = ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
      "--add-scram",
      `${mechanism}=[name=${LOGIN_USER},password=${LOGIN_PASSWORD}]`,
    ]);
    // In one word: one id in 64 begins with a dash.
    const format = ["format", `--cluster-id=${clusterId}`, "-c", settings, ...scram];
    await promisify(execFile)("java", java("kafka.tools.StorageTool", ...format));
    server = await start();
  } catch (error) {
    deleteFolder();
    throw error;
  }
  return {
    bootstrap: addresses.plaintext as string,
    loginBootstrap: addresses.login as string,
    addresses,
    async stop() {
      await server.stop();
      if (existsSync(fresh)) renameSync(fresh, archive);
      deleteFolder();
      process.removeListener("exit", deleteFolder);
    },
    kill: () => server.kill(),
    async restart() {
      server = await start();
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
  };
}

/** The folder with Kafka's jars; the first time they are downloaded. */
export function kafkaJars(): Promise<string> {
  return jarsOf("kafka", new URL("./kafka/pom.xml", import.meta.url));
}

function propertiesOf(
  data: string,
  controllerPort: number,
  listeners: Readonly<Record<string, KafkaListener>>,
  addresses: Readonly<Record<string, string>>,
): string {
  const named = Object.entries(listeners);
  const advertised = named.map(([name]) => `${name.toUpperCase()}://${addresses[name]}`);
  const protocols = named.map(([name, { protocol }]) => `${name.toUpperCase()}:${protocol}`);
  const properties = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    listeners: [...advertised, `CONTROLLER://127.0.0.1:${controllerPort}`].join(),
    "advertised.listeners": advertised.join(),
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": [...protocols, "CONTROLLER:PLAINTEXT"].join(),
    ...Object.fromEntries(
      named.flatMap(([name, listener]) =>
        Object.entries(listener.properties).map(([key, value]) => [`listener.name.${name}.${key}`, value]),
      ),
    ),
    "log.dirs": data,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 2,
    "num.recovery.threads.per.data.dir": 1,
    "log.cleaner.threads": 1,
    "log.cleaner.dedupe.buffer.size": 2_097_152,
    "auto.create.topics.enable": false,
    // By default records are deleted whose timestamp, which is event time, is a week old.
    "log.retention.ms": -1,
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    // The next are for quick answers: after a transaction, and after a kill.
    "add.partitions.to.txn.retry.backoff.ms": 1,
    "broker.session.timeout.ms": 2000,
    "broker.heartbeat.interval.ms": 300,
  };
  return `${Object.entries(properties)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n")}\n`;
}
