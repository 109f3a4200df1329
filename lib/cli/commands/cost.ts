/** `millrace cost`: what an application costs on AWS, while nothing flows and at a rate, from measured work and list prices. */

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { isPriced } from "../../cost/fixed-cost.ts";
import type { Work } from "../../cost/work.ts";
import type { Application } from "../../local/application.ts";
import { loadApplication } from "../../local/application.ts";
import { readAssembly } from "../../local/lambda-runtime/assembly.ts";
import { MillraceError } from "../../stream/error.ts";
import type { FunctionPlan, Topology } from "../../stream/plan.ts";
import { listOf } from "../../stream/sentence.ts";
import { buildTopology } from "../../stream/topology.ts";
import { parseCount } from "../arguments.ts";
import { type MeasuredRate, toAccount } from "../cost/account.ts";
import { latestRecords } from "../cost/latest-records.ts";
import { type Deployment, deployedByDefault, readDeployed } from "../cost/read-deployed.ts";
import { readMeasured } from "../cost/read-measured.ts";
import { openSample } from "../cost/sample.ts";
import { showAccount } from "../cost/show-account.ts";
import { examples } from "../help.ts";
import { type PlaceOptions, placeCommand, toAppFolder } from "../place.ts";
import type { Terminal } from "../terminal.ts";

type CostOptions = PlaceOptions & {
  readonly rate: readonly number[];
  readonly sample?: readonly string[];
  readonly measured?: string;
  readonly window?: number;
  readonly seconds: number;
  readonly out?: string;
  readonly compare?: true;
  readonly json?: true;
};

const RATES = [10, 100, 10_000, 100_000];
const SECONDS = 20;
const OUT = "cdk.out";

export function costCommand(terminal: Terminal): Command {
  return placeCommand("cost")
    .description(
      "Say what the application costs on AWS: by the month while nothing flows, and for its records at given rates. Its functions are run over sample records in virtual time, with stores that charge as AWS does.",
    )
    .addOption(
      new Option("--rate <records/s>", "records a second that are read from outside, separated by commas")
        .argParser(parseRates)
        .default(RATES, RATES.join()),
    )
    .option(
      "--sample <[topic=]file>",
      "a record per line; or a module whose default export is { topic: (n, atMs) => element } (default: what the topics hold; text is generated)",
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option(
      "--measured <file>",
      "work that was measured elsewhere, in JSON as --json shows it, instead of running anything",
    )
    .addOption(
      new Option("--window <seconds>", "as if every mapping gathered records for so long").argParser(parseWindow),
    )
    .addOption(
      new Option("--seconds <count>", "of virtual time that are measured").argParser(parseCount).default(SECONDS),
    )
    .option("--out <folder>", `what cdk synth has made (default: ${OUT} in the application's folder, if it is there)`)
    .option("--compare", "with other ways to do the same work")
    .option("--json", "everything as JSON")
    .addHelpText(
      "after",
      examples([
        ["npx cdk synth --quiet && millrace cost", "idle, and at 10, 100, 10,000 and 100,000 records a second"],
        ["millrace cost --rate 100 --sample lines=README.md", "one rate, with each line of the bill"],
        ["millrace cost --rate 100 --window 10", "as if records were gathered for ten seconds"],
        ["millrace cost --compare", "beside Managed Flink, Fargate, an invocation per record, an item per key"],
        ["millrace cost --rate 500 --measured work.json --json", "from figures of an account"],
      ]),
    )
    .action(async (options: CostOptions) => {
      const application = await loadApplication(toAppFolder(options, terminal));
      const deployment = withWindow(deploymentOf(application, options, terminal), options.window);
      if (!isPriced(deployment.deployed.kafka))
        terminal.err("The price of this kind of broker is not known here: brokers are counted as $0.\n");
      const isElsewhere = options.measured !== undefined;
      const topology = isElsewhere ? application.topology : withoutCalls(application, terminal);
      const { sample, measured } = isElsewhere
        ? readHere(resolve(terminal.folder, options.measured as string), options)
        : await measure({ ...application, topology }, deployment, options, terminal);
      const account = toAccount(deployment, topology, sample, measured);
      if (options.json) {
        terminal.out(`${JSON.stringify(account, undefined, 2)}\n`);
        return;
      }
      const [only, ...others] = options.rate;
      const compare = options.compare ?? false;
      terminal.out(showAccount(account, topology, { arithmeticOf: others.length === 0 ? only : undefined, compare }));
    });
}

function deploymentOf({ folder, topology }: Application, { out }: CostOptions, terminal: Terminal): Deployment {
  const place = out === undefined ? join(folder, OUT) : resolve(terminal.folder, out);
  if (out !== undefined || existsSync(place)) {
    const assembly = readAssembly(place);
    if (assembly.propertiesOf("AWS::S3::Bucket").length > 0)
      terminal.err("Large chunks of state are counted as if they lay in the table; in the bucket they cost less.\n");
    return readDeployed(assembly, topology);
  }
  terminal.err(
    `There is no ${OUT}: functions and state as they are deployed by default, without Kafka, network and alarms. npx cdk synth makes it.\n`,
  );
  return deployedByDefault(topology);
}

function withWindow({ sizeOf, ...rest }: Deployment, windowSeconds: number | undefined): Deployment {
  if (windowSeconds === undefined) return { ...rest, sizeOf };
  return { ...rest, sizeOf: (plan: FunctionPlan) => ({ ...sizeOf(plan), windowSeconds }) };
}

/** Without the operators that call the outside: nobody asked for that, and what they wait for is not known. */
function withoutCalls({ name, topology }: Application, terminal: Terminal): Topology {
  const calling = new Set(
    topology.functions
      .filter(({ nodes, outsideOutputs }) => outsideOutputs.length > 0 || nodes.some(({ kind }) => kind === "mapAsync"))
      .map(({ operator }) => operator),
  );
  if (calling.size === 0) return topology;
  const names = listOf([...calling].map(({ operatorName }) => operatorName));
  const measured = topology.operators.filter((operator) => !calling.has(operator));
  if (measured.length === 0)
    throw new MillraceError(
      "usage",
      `Nothing can be measured here, as ${names} would call the outside: give figures with --measured.`,
    );
  terminal.err(`Left out, as they would call the outside: ${names}. --measured takes figures of an account.\n`);
  return buildTopology(name, measured);
}

async function measure(
  application: Application,
  { sizeOf }: Deployment,
  options: CostOptions,
  terminal: Terminal,
): Promise<{ readonly sample: string; readonly measured: readonly MeasuredRate[] }> {
  // Loads the AWS SDK.
  const { measureWork } = await import("../cost/measure-work.ts");
  const { topology } = application;
  const { sample: files = [] } = options;
  const recorded = files.length > 0 ? new Map() : await latestRecords(application, options, terminal);
  const source = await openSample(topology, files, recorded, terminal.folder);
  const measured: MeasuredRate[] = [];
  for (const recordsPerSecond of options.rate) {
    terminal.err(`Measuring at ${recordsPerSecond.toLocaleString("en")} records/s …\n`);
    const { work, seconds } = await measureWork({
      topology,
      sample: source.open(),
      sizeOf,
      recordsPerSecond,
      seconds: options.seconds,
    });
    if (work.inputRecords === 0)
      throw new MillraceError(
        "usage",
        `The sample ends before anything can be measured at ${recordsPerSecond} records/s: give more records, or a module that makes them.`,
      );
    measured.push({ recordsPerSecond, secondsMeasured: seconds, work });
  }
  return { sample: source.description, measured };
}

function readHere(file: string, { rate }: CostOptions) {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new MillraceError("usage", `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const work: Work = readMeasured(text, file);
  const measured = rate.map((recordsPerSecond) => ({ recordsPerSecond, secondsMeasured: undefined, work }));
  return { sample: file, measured };
}

function parseRates(text: string): readonly number[] {
  return text.split(",").map((part) => parseCount(part.trim().replaceAll("_", "")));
}

function parseWindow(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== "" && seconds >= 0 && seconds <= 300) return seconds;
  throw new InvalidArgumentError("It takes seconds from 0 to 300.");
}
