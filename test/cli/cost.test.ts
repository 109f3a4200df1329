/** `millrace cost` from end to end, over the operators of this repository and templates written by hand. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Account } from "../../lib/cli/cost/account.ts";
import { main } from "../../lib/cli/main.ts";
import { TestTerminal } from "./test-terminal.ts";

const root = resolve(import.meta.dirname, "../..");

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-cost-"));
  writeFileSync(join(folder, "lines.txt"), "to be or not to be\nthat is the question\n");
  synthesize("lines.out", { Kafka: { Type: "AWS::MSK::ServerlessCluster" } });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder as cdk synth leaves one: the functions of this repository, their mappings, and what else is said. */
function synthesize(name: string, resources: Record<string, object> = {}, windowSeconds?: number): void {
  const out = join(folder, name);
  mkdirSync(join(out, "asset.code"), { recursive: true });
  const of = (functionName: string, topic: string) => ({
    [`F${functionName}`]: {
      Type: "AWS::Lambda::Function",
      Properties: {
        FunctionName: `lines-dev-${functionName}`,
        Code: { S3Key: "code.zip" },
        Handler: "index.handler",
        Runtime: "nodejs24.x",
        MemorySize: 1_024,
        Environment: { Variables: { MILLRACE_APPLICATION: "lines-dev" } },
      },
    },
    [`M${functionName}`]: {
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: {
        FunctionName: { "Fn::GetAtt": [`F${functionName}`, "Arn"] },
        Topics: [topic],
        BatchSize: 10_000,
        ...(windowSeconds !== undefined && { MaximumBatchingWindowInSeconds: windowSeconds }),
        StartingPosition: "TRIM_HORIZON",
        AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: functionName },
      },
    },
  });
  const template = {
    Resources: {
      ...of("clean-lines", "lines"),
      ...of("count-words", "lines"),
      ...of("count-words--by-key", "count-words--by-key"),
      ...resources,
    },
  };
  writeFileSync(join(out, "Lines.template.json"), JSON.stringify(template));
}

async function run(...args: string[]) {
  const terminal = new TestTerminal(folder);
  const code = await main(
    ["cost", "--app", root, "--out", "lines.out", "--state", join(folder, "none"), ...args],
    terminal,
  );
  return { code, output: terminal.output, errors: terminal.errors };
}

async function account(...args: string[]): Promise<Account> {
  const { code, output, errors } = await run("--json", "--seconds", "5", "--sample", "lines.txt", ...args);
  expect({ code, errors: errors.replaceAll(/Measuring.*\n/g, "") }).toEqual({ code: 0, errors: "" });
  return JSON.parse(output);
}

/** What was counted, without the time that it took, and without bytes, of which digits of the clock and names of attempts are some. */
function counted({ rates }: Account) {
  return rates.map(({ work }) =>
    work.functions.map(({ name, records, invocations, commits, cells, queueRequests }) => ({
      name,
      records,
      invocations,
      commits,
      cells,
      queueRequests,
    })),
  );
}

describe("the bill", () => {
  test("has the month without records, each rate, and with one rate each line of it", async () => {
    const { code, output } = await run("--rate", "50", "--seconds", "5", "--sample", "lines.txt", "--compare");
    expect(code).toBe(0);
    expect(output).toMatch(/^Prices of us-east-1 as of 20\d\d-\d\d-\d\d, without free tiers/);
    expect(output).toContain("2 lines of lines.txt");
    expect(output).toMatch(/MSK Serverless, cluster +730 hours × \$0.75 = \$547.50/);
    expect(output).toMatch(/\n {2}count-words +\$/);
    expect(output).toMatch(/count-words--by-key, a million records\n/);
    expect(output).toMatch(/DynamoDB, writes +[\d.]+ million write units × \$0.625 = \$/);
    expect(output).toMatch(/Managed Service for Apache Flink +\$165.60/);
  });

  test("counts every record that was read while it was counted, and nothing twice", async () => {
    const [rate] = (await account("--rate", "100")).rates;
    expect(rate?.work.inputRecords).toBe(500);
    const reading = rate?.work.functions.filter(({ name }) => name !== "count-words--by-key") ?? [];
    // What has waited when counting began is read in it, what still waits at its end is not.
    for (const { records } of reading) expect(Math.abs(records - 500)).toBeLessThanOrEqual(50);
    expect(rate?.dollarsPerMonth.inAll).toBeCloseTo(
      (rate?.dollarsPerMonth.functionsAndState ?? 0) +
        (rate?.dollarsPerMonth.kafkaTraffic ?? 0) +
        (rate?.dollarsPerMonth.fixed ?? 0),
    );
  });

  test("is the same for the same sample, but for the time that this machine takes", async () => {
    const once = await account("--rate", "20");
    expect(counted(await account("--rate", "20"))).toEqual(counted(once));
  });

  test("falls with the time for which records are gathered, and with the rate", async () => {
    const dollars = async (...args: string[]) =>
      (await account(...args)).rates.map(({ dollarsPerMillion }) => dollarsPerMillion.functionsAndState);
    const [at100 = 0, at1000 = 0] = await dollars("--rate", "100,1000");
    expect(at1000).toBeLessThan(at100 / 3);
    const [eager = 0] = await dollars("--rate", "100", "--window", "0");
    const [patient = 0] = await dollars("--rate", "100", "--window", "2");
    expect(eager).toBeGreaterThan(3 * at100);
    expect(patient).toBeLessThan(at100);
  });

  test("takes batches and Kafka from what was synthesized", async () => {
    synthesize("patient.out", {}, 2);
    const [patient] = (await account("--rate", "100", "--out", "patient.out")).rates;
    const [eager] = (await account("--rate", "100")).rates;
    const invocationsOf = (rate: typeof patient) =>
      rate?.work.functions.find(({ name }) => name === "clean-lines")?.invocations ?? 0;
    expect(invocationsOf(patient)).toBeLessThan(invocationsOf(eager) / 2);
    expect(patient?.dollarsPerMillion.kafkaTraffic).toBe(0);
    expect(eager?.dollarsPerMillion.kafkaTraffic).toBeGreaterThan(0);
  });
});

describe("what is there anyway", () => {
  test("is read from the templates: brokers, endpoints, alarms, queues, schedules, pollers, keys", async () => {
    synthesize("whole.out", {
      Kafka: {
        Type: "AWS::MSK::Cluster",
        Properties: {
          NumberOfBrokerNodes: 3,
          BrokerNodeGroupInfo: {
            InstanceType: "kafka.t3.small",
            StorageInfo: { EBSStorageInfo: { VolumeSize: 10 } },
          },
        },
      },
      Sqs: { Type: "AWS::EC2::VPCEndpoint", Properties: { VpcEndpointType: "Interface", SubnetIds: ["a", "b"] } },
      Table: { Type: "AWS::EC2::VPCEndpoint", Properties: { VpcEndpointType: "Gateway" } },
      Alarm: { Type: "AWS::CloudWatch::Alarm" },
      Dashboard: { Type: "AWS::CloudWatch::Dashboard" },
      Queue: { Type: "AWS::SQS::Queue" },
      Key: { Type: "AWS::KMS::Key" },
      Tick: {
        Type: "AWS::Scheduler::Schedule",
        Properties: {
          ScheduleExpression: "rate(5 minutes)",
          Target: { Input: JSON.stringify({ tasks: [{ topic: "lines", partition: 0 }] }) },
        },
      },
      Polled: {
        Type: "AWS::Lambda::EventSourceMapping",
        Properties: { ProvisionedPollerConfig: { MinimumPollers: 1, PollerGroupName: "lines" } },
      },
      State: {
        Type: "AWS::DynamoDB::Table",
        Properties: {
          BillingMode: "PROVISIONED",
          ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 10 },
        },
      },
    });
    const { idle, rates } = await account("--rate", "10", "--out", "whole.out");
    expect(idle.map(({ what }) => what)).toEqual([
      "MSK, brokers kafka.t3.small",
      "MSK, volumes",
      "network endpoints",
      "pollers of one's own",
      "DynamoDB, provisioned writes",
      "DynamoDB, provisioned reads",
      "CloudWatch, alarms",
      "CloudWatch, dashboards",
      "SQS, asking empty queues",
      "ticks: schedule",
      "ticks: requests",
      "ticks: time",
      "ticks: reads",
      "KMS, keys",
    ]);
    const own = rates.flatMap(({ functions }) => functions.flatMap((one) => one.own.map(({ what }) => what)));
    expect(own).not.toContain("DynamoDB, writes");
  });

  test("templates of several applications, of none, or of other operators get a sentence", async () => {
    synthesize("others.out", {
      Other: {
        Type: "AWS::Lambda::Function",
        Properties: {
          FunctionName: "shop-total",
          Code: { S3Key: "code.zip" },
          Handler: "index.handler",
          Runtime: "nodejs24.x",
          Environment: { Variables: { MILLRACE_APPLICATION: "shop" } },
        },
      },
    });
    synthesize("less.out", { "Fclean-lines": { Type: "AWS::SQS::Queue" } });
    mkdirSync(join(folder, "empty.out"), { recursive: true });
    const errorsOf = async (out: string) => {
      const { code, errors } = await run("--rate", "1", "--sample", "lines.txt", "--out", out);
      expect(code).toBe(2);
      return errors;
    };
    expect(await errorsOf("others.out")).toContain("of several applications, lines-dev and shop");
    expect(await errorsOf("less.out")).toContain("have no function for clean-lines");
    expect(await errorsOf("empty.out")).toContain("There are no templates in");
  });
});

describe("samples", () => {
  test("a module makes elements, with the time at which they are written", async () => {
    writeFileSync(join(folder, "made.mjs"), "export default { lines: (n, atMs) => `line ${n} ${typeof atMs}` };\n");
    const { rates, sample } = await account("--rate", "20", "--sample", "made.mjs");
    expect(sample).toBe("lines: made by made.mjs");
    expect(rates[0]?.work.functions.find(({ name }) => name === "count-words--by-key")?.cells).toBeGreaterThan(0);
  });

  test("text is generated where nothing else is known", async () => {
    const { code, output } = await run("--json", "--rate", "10", "--seconds", "2");
    expect(code).toBe(0);
    expect(JSON.parse(output).sample).toContain("generated lines");
  });

  test("what the topics hold is taken where the application has run", async () => {
    const state = join(folder, "state");
    const producing = new TestTerminal(folder, "to be\nor not to be\n");
    expect(await main(["topics", "produce", "lines", "--app", root, "--state", state], producing)).toBe(0);
    const { code, output } = await run("--json", "--rate", "10", "--seconds", "2", "--state", state);
    expect(code).toBe(0);
    expect(JSON.parse(output).sample).toBe("lines: its 2 latest records");
  });

  test.each([
    [["--sample", "nothing.txt"], "nothing.txt cannot be read"],
    [["--sample", "orders=lines.txt"], 'No operator reads a topic "orders" from outside; they read lines.'],
    [["--sample", "empty.txt"], "There are no records in empty.txt"],
    [["--sample", "wrong.mjs"], "makes elements of no topic"],
    [["--rate", "0"], "It takes a whole number from 1 on"],
    [["--window", "301"], "It takes seconds from 0 to 300"],
  ])("%j gets a sentence", async (args, sentence) => {
    writeFileSync(join(folder, "empty.txt"), "");
    writeFileSync(join(folder, "wrong.mjs"), "export default { orders: () => 1 };\n");
    const { code, errors } = await run("--rate", "10", ...args);
    expect(code).toBe(2);
    expect(errors).toContain(sentence);
  });
});

test("operators that call the outside are left out, and call nobody", async () => {
  const app = join(folder, "calling");
  mkdirSync(join(app, "functions"), { recursive: true });
  writeFileSync(join(app, "package.json"), '{ "name": "calling", "type": "module" }');
  symlinkSync(join(root, "node_modules"), join(app, "node_modules"));
  writeFileSync(
    join(app, "functions/calling.mjs"),
    `import { operator, sink, stream, text, topic } from ${JSON.stringify(join(root, "lib/index.ts"))};
     const lines = topic("lines", { value: text() });
     const hook = sink("hook", { write: async () => { process.stdout.write("called"); process.exit(3); } });
     export const calls = operator("calls", stream(lines).to(hook));
     ${"export const copies = operator('copies', stream(lines).to(topic('copies', { value: text() })));"}`,
  );
  const terminal = new TestTerminal(folder);
  const args = ["cost", "--app", app, "--json", "--rate", "10", "--seconds", "2"];
  expect(await main(args, terminal)).toBe(0);
  expect(terminal.errors).toContain("Left out, as they would call the outside: calls.");
  const { rates } = JSON.parse(terminal.output) as Account;
  expect(rates[0]?.work.functions.map(({ name }) => name)).toEqual(["copies"]);
});

describe("figures of an account", () => {
  const work = {
    inputRecords: 1_000,
    functions: [{ name: "count-words", memoryMb: 1_024, invocations: 1, milliseconds: 20, writeUnits: 4.1 }],
  };

  async function measured(document: unknown) {
    writeFileSync(join(folder, "work.json"), JSON.stringify(document));
    const { code, output, errors } = await run("--json", "--rate", "100", "--measured", "work.json");
    return { code, errors, account: code === 0 ? (JSON.parse(output) as Account) : undefined };
  }

  test("are taken as they are", async () => {
    const dollars = 0.001 * 0.2 + 20 * 0.0000133334 + 0.0041 * 0.625;
    const { account: own } = await measured(work);
    expect(own?.rates[0]?.dollarsPerMillion.functionsAndState).toBeCloseTo(dollars, 9);
    expect(own?.sample).toContain("work.json");
  });

  test("what --json has shown can be given back", async () => {
    const shown = await account("--rate", "100");
    const { account: back } = await measured(shown);
    expect(back?.rates[0]?.dollarsPerMillion).toEqual(shown.rates[0]?.dollarsPerMillion);
  });

  test.each([
    [{}, "does not say inputRecords"],
    [{ ...work, functions: [] }, "does not say functions"],
    [{ ...work, functions: [{ name: "a", memoryMb: 1 }] }, "does not say invocations of a"],
    [
      { ...work, functions: [{ ...work.functions[0], writes: 3 }] },
      '"writes" of count-words, which is nothing that is paid for',
    ],
  ])("%j get a sentence", async (document, sentence) => {
    const { code, errors } = await measured(document);
    expect(code).toBe(2);
    expect(errors).toContain(sentence);
  });
});
