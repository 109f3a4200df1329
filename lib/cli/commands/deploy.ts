/** `millrace deploy --local`: an application's stack into an emulator of AWS, and its topics into a Kafka beside it. */

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { delimiter, dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { saidBy } from "../../lambda/lambda-settings.ts";
import { topicNames, withTopicNames } from "../../lambda/prefixed-topics.ts";
import { loadApplication } from "../../local/application.ts";
import { readAssembly } from "../../local/lambda-runtime/assembly.ts";
import { MillraceError } from "../../stream/error.ts";
import { credentialsFor, EMULATOR_REGION, ENDPOINT_HELP, endpointOf } from "../emulator.ts";
import { examples } from "../help.ts";
import { appOption, toAppFolder } from "../place.ts";
import { showPlural } from "../printable.ts";
import type { Terminal } from "../terminal.ts";

type DeployOptions = {
  readonly local: true;
  readonly app?: string;
  readonly endpoint?: string;
  readonly kafka: string;
  readonly stage: string;
  readonly out: string;
  readonly destroy?: true;
};

export function deployCommand(terminal: Terminal): Command {
  return new Command("deploy")
    .description("Deploy the stack into an emulator of AWS (MiniStack, LocalStack); npx cdk deploy is for AWS itself.")
    .requiredOption("--local", "into an emulator")
    .option("--endpoint <address>", ENDPOINT_HELP)
    .option("--kafka <servers>", "host:port, of a Kafka without TLS and login", "127.0.0.1:9092")
    .option("--stage <name>", "what the CDK app is told as its context's stage; kafka is told too", "local")
    .option("--out <folder>", "where the CDK puts what it makes", "cdk.out")
    .option("--destroy", "delete the stack instead; the topics stay")
    .addOption(appOption())
    .addHelpText(
      "after",
      examples([
        ["millrace deploy --local --endpoint http://127.0.0.1:4566", "topics, bootstrap, and the stack"],
        ["AWS_ENDPOINT_URL=http://127.0.0.1:4566 millrace deploy --local --destroy", "and away with it"],
      ]),
    )
    .action(async (options: DeployOptions) => {
      const endpoint = endpointOf(options);
      const folder = toAppFolder(options, terminal);
      const cdk = (...args: readonly string[]) => runCdk(folder, args, endpoint, terminal);
      const context = ["--context", `stage=${options.stage}`, "--context", `kafka=${options.kafka}`];
      const synthesis = [...context, "--output", options.out];
      if (options.destroy) return cdk("destroy", "--all", "--force", ...synthesis);
      await cdk("synth", "--quiet", ...synthesis);
      await makeTopics(folder, options, terminal);
      const synthesized = ["--app", options.out];
      await cdk("bootstrap", ...synthesized);
      await cdk("deploy", "--all", "--require-approval", "never", "--progress", "events", ...synthesized);
    });
}

/** As the functions will call them, before they are there. */
async function makeTopics(folder: string, { kafka, out }: DeployOptions, terminal: Terminal): Promise<void> {
  const { topology } = await loadApplication(folder);
  const { functions } = readAssembly(resolve(folder, out));
  const settings = functions.map(({ environment }) => saidBy(environment));
  const prefixes = new Set(
    settings.flatMap(({ application, topicPrefix = "" }) => (application === undefined ? [] : [topicPrefix])),
  );
  const external = topology.topics.filter((topic) => topic.external).map(({ name }) => name);
  const { KafkaBroker } = await import("../../kafka/kafka-broker.ts");
  const broker = new KafkaBroker({ brokers: kafka.split(",") });
  try {
    for (const prefix of prefixes)
      await withTopicNames(broker, topicNames(prefix, external)).ensureTopics(topology.topics);
    terminal.out(`${showPlural(topology.topics.length * prefixes.size, "topic")} in the Kafka at ${kafka}\n`);
  } finally {
    await broker.close();
  }
}

/** Runs the CDK of the application. Throws MillraceError "usage" where there is none, or where it ends with a code. */
async function runCdk(folder: string, args: readonly string[], endpoint: string, terminal: Terminal): Promise<void> {
  const child = spawn(process.execPath, [cdkOf(folder), ...args], {
    cwd: folder,
    env: environmentFor(endpoint),
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.on("data", (bytes) => terminal.out(String(bytes)));
  child.stderr.on("data", (bytes) => terminal.err(String(bytes)));
  const stopListening = terminal.onInterrupt(() => void child.kill("SIGINT"));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (...how) => resolve(how));
  });
  stopListening();
  if (code !== 0)
    throw new MillraceError("usage", `cdk ${args[0]} ended with ${signal ?? `code ${code}`}; what it said is above.`);
}

function cdkOf(folder: string): string {
  try {
    return createRequire(join(folder, "package.json")).resolve("aws-cdk/bin/cdk");
  } catch (cause) {
    throw new MillraceError("usage", `There is no CDK in ${folder}: npm install --save-dev aws-cdk@2.`, { cause });
  }
}

function environmentFor(endpoint: string): NodeJS.ProcessEnv {
  const { AWS_PROFILE: _profile, AWS_SESSION_TOKEN: _token, ...rest } = process.env;
  const { accessKeyId, secretAccessKey } = credentialsFor(endpoint);
  return {
    ...rest,
    PATH: [dirname(process.execPath), rest.PATH].join(delimiter),
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: EMULATOR_REGION,
    AWS_DEFAULT_REGION: EMULATOR_REGION,
    CDK_DISABLE_CLI_TELEMETRY: "1",
  };
}
