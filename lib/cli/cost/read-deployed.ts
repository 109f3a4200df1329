/** What of a synthesized application is paid for: read from the templates in its folder, or as it would be by default where there are none. */

import type { Terms } from "../../cost/cost-of-work.ts";
import { TUNINGS, WITH_LOG, WITHOUT_LOG } from "../../cost/deployed-defaults.ts";
import { type Deployed, type DeployedKafka, trafficOf } from "../../cost/fixed-cost.ts";
import { ESSENTIAL_METRICS, METRICS } from "../../lambda/metrics.ts";
import type { Assembly } from "../../local/lambda-runtime/assembly.ts";
import { placesOf } from "../../local/tick.ts";
import { MillraceError } from "../../stream/error.ts";
import { needsClock } from "../../stream/needs-clock.ts";
import type { FunctionPlan, Topology } from "../../stream/plan.ts";
import { listOf } from "../../stream/sentence.ts";
import type { TickEvent } from "../../wire/lambda-event.ts";
import type { FunctionSize } from "./virtual-function.ts";

export type Deployment = {
  readonly deployed: Deployed;
  readonly terms: Terms;
  readonly sizeOf: (plan: FunctionPlan) => FunctionSize;
};

type Properties = Readonly<Record<string, unknown>>;

const SCHEDULE_MINUTES = 5;

/** Functions, and what wakes them; Kafka, network and alarms are nobody's. */
export function deployedByDefault({ functions }: Topology): Deployment {
  const waiting = functions.filter(needsClock);
  return {
    deployed: {
      kafka: { kind: "elsewhere" },
      endpointZones: 0,
      functions: functions.length,
      metricsEach: ESSENTIAL_METRICS.length,
      alarms: 0,
      dashboards: 0,
      queues: waiting.length,
      schedules: waiting.map((plan) => ({
        everyMinutes: SCHEDULE_MINUTES,
        tasks: placesOf(plan).length,
        memoryMb: WITH_LOG.memoryMb,
      })),
      secrets: secretsOf(functions),
      keys: 0,
      pollers: [],
      provisioned: undefined,
    },
    terms: { kafka: "elsewhere", onDemand: true, traced: false },
    sizeOf: ({ commits, operator }) => ({
      memoryMb: operator.function?.memoryMb ?? (commits ? WITH_LOG : WITHOUT_LOG).memoryMb,
      ...TUNINGS.balanced,
    }),
  };
}

/** Throws MillraceError "usage" where the templates are of several applications, or of another. */
export function readDeployed(assembly: Assembly, topology: Topology): Deployment {
  const applications = new Set(assembly.functions.flatMap(({ environment }) => environment.MILLRACE_APPLICATION ?? []));
  const [application] = applications;
  if (application === undefined || applications.size > 1)
    throw new MillraceError(
      "usage",
      application === undefined
        ? "The templates have no functions of Millrace's: npx cdk synth makes them of a stack with a MillraceApp."
        : `The templates are of several applications, ${listOf([...applications])}: synthesize one, and name its folder with --out.`,
    );
  const functionOf = ({ name }: FunctionPlan) => {
    const found = assembly.functions.find((one) => one.name === `${application}-${name}`);
    if (found !== undefined) return found;
    throw new MillraceError(
      "usage",
      `The templates have no function for ${name}: they are of another version, or of other operators than those in functions/. npx cdk synth makes them anew.`,
    );
  };
  const functions = topology.functions.map(functionOf);
  const kafka = kafkaOf(assembly, topology);
  const metrics = functions.some(({ environment }) => environment.MILLRACE_METRICS === "all")
    ? Object.keys(METRICS)
    : ESSENTIAL_METRICS;
  const provisioned = provisionedOf(assembly);
  return {
    deployed: {
      kafka,
      endpointZones: assembly
        .propertiesOf("AWS::EC2::VPCEndpoint")
        .filter(({ VpcEndpointType }) => VpcEndpointType === "Interface")
        .reduce((sum, { SubnetIds }) => sum + (SubnetIds as readonly unknown[]).length, 0),
      functions: functions.length,
      metricsEach: metrics.length,
      alarms: assembly.propertiesOf("AWS::CloudWatch::Alarm").length,
      dashboards: assembly.propertiesOf("AWS::CloudWatch::Dashboard").length,
      queues: assembly.propertiesOf("AWS::SQS::Queue").length,
      schedules: assembly.propertiesOf("AWS::Scheduler::Schedule").flatMap((schedule) => scheduleOf(schedule) ?? []),
      secrets: secretsOf(topology.functions),
      keys: assembly.propertiesOf("AWS::KMS::Key").length,
      pollers: pollersOf(assembly.propertiesOf("AWS::Lambda::EventSourceMapping")),
      provisioned,
    },
    terms: {
      kafka: trafficOf(kafka),
      onDemand: provisioned === undefined,
      traced: assembly
        .propertiesOf("AWS::Lambda::Function")
        .some(({ TracingConfig }) => (TracingConfig as Properties | undefined)?.Mode === "Active"),
    },
    sizeOf: (plan) => {
      const { name, memoryMb } = functionOf(plan);
      const mapping = assembly.mappings.find(({ functionName }) => functionName === name);
      if (mapping === undefined) return { memoryMb, ...TUNINGS.balanced };
      return { memoryMb, maxRecords: mapping.batchSize, windowSeconds: mapping.batchWindowSeconds };
    },
  };
}

function secretsOf(functions: readonly FunctionPlan[]): number {
  return new Set(functions.flatMap(({ uses }) => uses.flatMap(({ kind, name }) => (kind === "secret" ? [name] : []))))
    .size;
}

function kafkaOf(assembly: Assembly, { topics }: Topology): DeployedKafka {
  const own = topics.filter(({ external }) => !external);
  if (assembly.propertiesOf("AWS::MSK::ServerlessCluster").length > 0)
    return { kind: "serverless", partitions: own.reduce((sum, { partitions }) => sum + partitions, 0) };
  const [cluster] = assembly.propertiesOf("AWS::MSK::Cluster") as readonly {
    NumberOfBrokerNodes: number;
    BrokerNodeGroupInfo: {
      InstanceType: string;
      StorageInfo?: { EBSStorageInfo?: { VolumeSize?: number } };
    };
  }[];
  if (cluster === undefined) return { kind: "elsewhere" };
  const { InstanceType: instanceType, StorageInfo } = cluster.BrokerNodeGroupInfo;
  const volumeGiB = StorageInfo?.EBSStorageInfo?.VolumeSize;
  return { kind: "provisioned", instanceType, brokers: cluster.NumberOfBrokerNodes, volumeGiB };
}

/** A schedule of ours ticks the tasks that its input names. */
function scheduleOf({ ScheduleExpression, Target }: Properties): Deployed["schedules"][number] | undefined {
  const minutes = /^rate\((\d+) minutes?\)$/.exec(String(ScheduleExpression))?.[1];
  const { Input } = (Target ?? {}) as { Input?: unknown };
  if (minutes === undefined || typeof Input !== "string") return undefined;
  const { tasks } = JSON.parse(Input) as TickEvent;
  return { everyMinutes: Number(minutes), tasks: tasks.length, memoryMb: WITH_LOG.memoryMb };
}

/** Mappings of one group share its pollers. */
function pollersOf(mappings: readonly Properties[]): readonly number[] {
  const groups = new Map<string, number>();
  for (const [i, { ProvisionedPollerConfig }] of mappings.entries()) {
    const config = ProvisionedPollerConfig as { MinimumPollers?: number; PollerGroupName?: string } | undefined;
    if (config === undefined) continue;
    const group = config.PollerGroupName ?? `${i}`;
    groups.set(group, (groups.get(group) ?? 0) + (config.MinimumPollers ?? 1));
  }
  return [...groups.values()];
}

function provisionedOf(assembly: Assembly): Deployed["provisioned"] {
  const [table] = assembly.propertiesOf("AWS::DynamoDB::Table") as readonly {
    BillingMode?: string;
    ProvisionedThroughput?: { ReadCapacityUnits: number; WriteCapacityUnits: number };
  }[];
  if (table?.BillingMode === "PAY_PER_REQUEST" || table?.ProvisionedThroughput === undefined) return undefined;
  const { ReadCapacityUnits: readUnits, WriteCapacityUnits: writeUnits } = table.ProvisionedThroughput;
  return { readUnits, writeUnits };
}
