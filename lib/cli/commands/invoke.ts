/** `millrace invoke`: a function of a synthesized application, run once from its bundle as Lambda runs it. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import type { SynthesizedFunction } from "../../local/lambda-runtime/assembly.ts";
import type { InvocationReport } from "../../local/lambda-runtime/execution-environment.ts";
import { MillraceError } from "../../stream/error.ts";
import { quote } from "../../stream/sentence.ts";
import { examples } from "../help.ts";
import type { Terminal } from "../terminal.ts";

type Variable = readonly [name: string, value: string];

type InvokeOptions = {
  readonly event: string;
  readonly out: string;
  readonly kafka?: string;
  readonly dynamodb?: string;
  readonly env: readonly Variable[];
  readonly json?: true;
};

const KAFKA = "KAFKA_BOOTSTRAP_SERVERS";
const FAILED = 1;

/** `setExitCode` is told 1 where the function failed. */
export function invokeCommand(terminal: Terminal, setExitCode: (code: number) => void): Command {
  return new Command("invoke")
    .description(
      "Run a function's bundle from cdk.out once, as Lambda would: a process, an environment and a time limit.",
    )
    .argument("<function>", "its name in the application, or in AWS")
    .requiredOption("--event <file>", "the event in JSON; - is standard input")
    .option("--out <folder>", "what cdk synth has made", "cdk.out")
    .option("--kafka <servers>", "host:port, separated by commas, of a Kafka without TLS and login")
    .option("--dynamodb <endpoint>", "DynamoDB's address; the table of state is made there if it is missing")
    .option("--env <name=value>", "a variable of its environment; without a value it is left out", toVariable, [])
    .option("--json", "response, logs, duration and memory as JSON")
    .addHelpText(
      "after",
      examples([
        [
          "millrace invoke count-words --event e.json --kafka 127.0.0.1:9092 --dynamodb http://127.0.0.1:8000",
          "on servers here",
        ],
        [
          "millrace invoke count-words --event - --env MILLRACE_WAKE_UP_QUEUE= < e.json",
          "at AWS, with the credentials of the environment",
        ],
      ]),
    )
    .action(async (name: string, options: InvokeOptions) => {
      const { functionIn, readAssembly } = await import("../../local/lambda-runtime/assembly.ts");
      const { LocalLambda } = await import("../../local/lambda-runtime/local-lambda.ts");
      const eventText = await readEvent(options.event, terminal);
      const found = functionIn(readAssembly(resolve(terminal.folder, options.out)), name);
      const code = withVariables(found, options, terminal);
      await makeTable(code, options.dynamodb);
      const lambda = new LocalLambda(code);
      const end = terminal.onInterrupt(() => void lambda.kill());
      try {
        const report = await lambda.invoke(eventText);
        show(report, code, options, terminal);
        if (report.outcome.kind !== "succeeded") setExitCode(FAILED);
      } finally {
        end();
        await lambda.close();
      }
    });
}

async function readEvent(file: string, { folder, input }: Terminal): Promise<string> {
  let text = "";
  if (file === "-") {
    const parts: Uint8Array[] = [];
    for await (const part of input) parts.push(part);
    text = Buffer.concat(parts).toString();
  } else {
    try {
      text = readFileSync(resolve(folder, file), "utf8");
    } catch (cause) {
      throw new MillraceError("usage", `${file} cannot be read: ${(cause as Error).message}`, { cause });
    }
  }
  try {
    JSON.parse(text);
    return text;
  } catch (cause) {
    const where = file === "-" ? "Standard input" : file;
    throw new MillraceError("usage", `${where} is no JSON: ${(cause as Error).message}`, { cause });
  }
}

/** The function with the environment that it has here. */
function withVariables(code: SynthesizedFunction, options: InvokeOptions, terminal: Terminal): SynthesizedFunction {
  const { kafka, dynamodb, env } = options;
  const said = new Map<string, string>([
    ...(kafka === undefined ? [] : kafkaVariables(kafka)),
    ...(dynamodb === undefined ? [] : [["AWS_ENDPOINT_URL_DYNAMODB", dynamodb] as const]),
    ...env,
  ]);
  const unknown = code.unknown.filter((name) => !said.has(name));
  if (unknown.includes(KAFKA))
    throw new MillraceError(
      "usage",
      `Only a deployment knows where the Kafka of ${code.name} is: say --kafka host:port, or --env ${KAFKA}=….`,
    );
  if (unknown.length > 0)
    terminal.err(`Known only when it is deployed, and left out here: ${unknown.join(", ")}; --env says them.\n`);
  const environment = Object.entries({ ...code.environment, ...Object.fromEntries(said) });
  return { ...code, environment: Object.fromEntries(environment.filter(([, value]) => value !== "")) };
}

function kafkaVariables(servers: string): readonly Variable[] {
  return [
    [KAFKA, servers],
    ["MILLRACE_KAFKA_TLS", "false"],
    ["MILLRACE_KAFKA_LOGIN", "none"],
  ];
}

/** A server of one's own has no table yet; the deployed one is made by the stack. */
async function makeTable({ environment }: SynthesizedFunction, endpoint: string | undefined): Promise<void> {
  const table = environment.MILLRACE_TABLE;
  if (endpoint === undefined || table === undefined) return;
  const { openDynamoDbStateLog } = await import("../../state-log/dynamodb-state-log.ts");
  const { AWS_REGION: region = "us-east-1", AWS_ACCESS_KEY_ID } = process.env;
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const who = AWS_ACCESS_KEY_ID === undefined ? { credentials } : {};
  await (await openDynamoDbStateLog({ table, create: true, endpoint, region, ...who })).close();
}

function show(report: InvocationReport, code: SynthesizedFunction, { json }: InvokeOptions, terminal: Terminal): void {
  const { requestId, outcome, durationMs, initMs, memoryMb, logs } = report;
  const error = outcome.kind === "succeeded" ? undefined : outcome.error;
  const response: unknown = outcome.kind === "succeeded" ? JSON.parse(outcome.responseText) : undefined;
  if (json) {
    const lines = logs.split("\n").filter((line) => line !== "");
    const document = { functionName: code.name, response, error, logs: lines, durationMs, initMs, memoryMb };
    terminal.out(`${JSON.stringify(document, undefined, 2)}\n`);
    return;
  }
  if (logs !== "") terminal.err(logs.endsWith("\n") ? logs : `${logs}\n`);
  const loaded = initMs === undefined ? "" : `, loaded in ${initMs.toFixed(0)} ms`;
  const memory = memoryMb === undefined ? "" : `, ${memoryMb} of ${code.memoryMb} MB`;
  terminal.err(`${code.name} ${requestId}: ${outcome.kind} in ${durationMs.toFixed(0)} ms${loaded}${memory}\n`);
  if (error === undefined) terminal.out(`${JSON.stringify(response, undefined, 2)}\n`);
  else terminal.err(`${error.trace?.join("\n") ?? `${error.errorType}: ${error.errorMessage}`}\n`);
}

function toVariable(text: string, before: readonly Variable[]): readonly Variable[] {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [...before, [name, value]];
  throw new InvalidArgumentError(`It takes NAME=value, and ${quote(text)} is none.`);
}
