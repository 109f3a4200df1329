/** An application in a stack: `new MillraceApp(this, "Shop", { kafka, operators })`. */

import { Annotations, ArnFormat, CfnOutput, NestedStack, Stack } from "aws-cdk-lib";
import type { IManagedPolicy } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { topicNames } from "../lambda/prefixed-topics.ts";
import type { Operator } from "../runtime/operator-handler.ts";
import { codeVersionOf } from "../runtime/version.ts";
import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan, Topology } from "../stream/plan.ts";
import { listOf, quote } from "../stream/sentence.ts";
import { buildTopology } from "../stream/topology.ts";
import { type AlarmOptions, Alarms, alarmSpecs } from "./alarms.ts";
import { AppCode } from "./app-code.ts";
import { operatorEntry, ownEntry } from "./bundle.ts";
import {
  checkApp,
  checkOperators,
  checkPlace,
  checkUses,
  claimFunction,
  claimName,
  claimTopics,
  warnOfConcurrency,
} from "./check-app.ts";
import {
  type FunctionOverrides,
  type FunctionSettings,
  type Pollers,
  type Tuning,
  toFunctionSettings,
} from "./function-settings.ts";
import type { Grant } from "./grant.ts";
import type { Kafka } from "./kafka.ts";
import { KafkaConnection } from "./kafka-connection.ts";
import { FunctionMetrics } from "./metrics.ts";
import { physicalName } from "./names.ts";
import { OperatorFunction } from "./operator-function.ts";
import { OperatorsDashboard } from "./operators-dashboard.ts";
import { rowGrants, secretGrants } from "./outside-grants.ts";
import { RowTables } from "./row-tables.ts";
import { snapshotGrants, stateGrants } from "./state-grants.ts";
import { type StateOptions, StateTable } from "./state-table.ts";
import { Topics } from "./topics.ts";
import { VersionCheck } from "./version-check.ts";
import { WakeUpQueue, WakeUps } from "./wake-ups.ts";

export type MillraceAppProps = {
  readonly kafka: Kafka;
  /** What the files of operators export. */
  readonly operators: readonly Operator[];
  /**
   * The application's name, a part of the identity of its state and of every name in AWS. Another stage of the same code in the same account has another.
   * Default: the construct's id in small letters.
   */
  readonly name?: string;
  /** What stands before the names of its topics in Kafka, external ones excepted, so that several applications share a cluster. Default: nothing. */
  readonly topicPrefix?: string;
  /** Default "balanced". */
  readonly tuning?: Tuning;
  /** Pollers of its own for all mappings, best in one group. Default: Lambda's, which cost nothing and take minutes to scale. */
  readonly pollers?: Pollers;
  /**
   * "none": no function reserves concurrency, for accounts that have little. An account keeps 100 of its invocations unreserved, and a new one may have but 10 in all, so that
   * a deployment which reserves any is refused there. Default: as many as a function has partitions to read, so that none takes another's; more could do nothing.
   */
  readonly reservedConcurrency?: "none";
  /** By the name of a function, `count-words` or `count-words--by-key`. */
  readonly functions?: Readonly<Record<string, FunctionOverrides>>;
  /** The values of settings that operators declare, for all functions that use them; `functions` may say another for one. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly state?: StateOptions;
  /** Whether state outlives the stack, and is guarded against deletion. Of a cluster `kafka` says it. Default: true. */
  readonly keepState?: boolean;
  /** How often the schedule ticks what waits for the clock, whole minutes. Default: 5. */
  readonly scheduleMinutes?: number;
  /** Default: a month. */
  readonly logRetention?: RetentionDays;
  /** X-Ray. Default: off. */
  readonly tracing?: boolean;
  /** Which metrics CloudWatch makes of a function's log, each paid by the month: those of alarms and dashboard, or all. The log has them all. Default: "essential". */
  readonly metrics?: "essential" | "all";
  /** Default: alarms that tell nobody. */
  readonly alarms?: AlarmOptions | false;
  /** Default: one. */
  readonly dashboard?: boolean;
  readonly permissionsBoundary?: IManagedPolicy;
  /**
   * Where functions stand: each operator in a nested stack of its own, or all together in this one, which CloudFormation limits to 500 resources, some ten operators.
   * It is decided once: functions cannot change their stack. Default: "per-operator", however many there are; in an emulator "together".
   */
  readonly split?: "together" | "per-operator";
  /**
   * Changes of what is deployed that would misread, leave behind or delete what is kept, and are meant: the ids that a refused deployment, or `millrace changes`,
   * has named. Each is for one change from one version to another. The context `millrace:confirm` says more of them, separated by commas.
   */
  readonly confirm?: readonly string[];
};

const SCHEDULE_MINUTES_DEFAULT = 5;
const CREATE_TOPICS = "create-topics";
const CHECK_VERSION = "check-version";
const CONFIRM = "millrace:confirm";

export class MillraceApp extends Construct {
  readonly topology: Topology;
  readonly kafka: KafkaConnection;
  readonly state: StateTable;
  /** The tables that operators write rows into. */
  readonly tables: RowTables;
  readonly #functions = new Map<string, OperatorFunction>();
  readonly #props: MillraceAppProps;
  readonly #toKafka: (topic: string) => string;

  /** Throws MillraceError "topology" where operators do not fit together, "definition" where they cannot be deployed as the props say, with sentences. */
  constructor(scope: Construct, id: string, props: MillraceAppProps) {
    super(scope, id);
    const { operators, kafka, keepState = true, topicPrefix = "" } = props;
    checkOperators(operators);
    this.#props = props;
    const name = props.name ?? id.toLowerCase();
    this.topology = buildTopology(
      name,
      operators.map(({ definition }) => definition),
    );
    checkApp(this.topology, props);
    claimName(this, name);
    checkPlace(this, kafka);
    const external = this.topology.topics.filter((topic) => topic.external).map((topic) => topic.name);
    this.#toKafka = topicNames(topicPrefix, external).toKafka;

    const settings = new Map(this.topology.functions.map((plan) => [plan.name, this.#settingsOf(plan)]));
    this.#warn([...settings.values()]);
    const needs = {
      queue: [...settings.values()].some(({ needsClock }) => needsClock),
      secrets: ("login" in kafka.spec && "secret" in kafka.spec.login) || this.#uses("secret"),
      snapshots: props.state?.snapshotBucket === true,
      onDemandPollers: [...settings.values()].some(({ pollers }) => pollers === undefined),
    };
    this.state = new StateTable(this, "State", name, keepState, props.state);
    this.tables = new RowTables(this, "Tables", this.topology.tables, name, {
      keep: keepState,
      encryptionKey: props.state?.encryptionKey,
    });
    this.kafka = new KafkaConnection(this, "Kafka", kafka, name, needs);
    claimTopics(
      this,
      this.#kafkaName,
      this.topology.topics.flatMap((topic) => (topic.external ? [] : this.#toKafka(topic.name))),
    );
    const code = new AppCode(
      this,
      [
        ...operators.map(({ operatorName, definition }) => ({
          name: operatorName,
          entry: operatorEntry(definition.file, operatorName),
        })),
        ...(this.kafka.topicsBy === "function" ? [{ name: CREATE_TOPICS, entry: ownEntry(CREATE_TOPICS) }] : []),
        { name: CHECK_VERSION, entry: ownEntry(CHECK_VERSION) },
      ],
      [
        ...(needs.snapshots ? [] : ["@aws-sdk/client-s3"]),
        ...(needs.queue ? [] : ["@aws-sdk/client-sqs"]),
        ...(needs.secrets ? [] : ["@aws-sdk/client-secrets-manager"]),
      ],
    );
    try {
      const { resource: checked } = this.#addVersionCheck(code);
      const topics = this.#addTopics(code);
      topics.node.addDependency(checked);
      for (const definition of this.topology.operators) {
        const place = this.#newPlace(definition.operatorName);
        for (const plan of this.topology.functions.filter(({ operator }) => operator === definition))
          this.#addFunction(place, plan, settings.get(plan.name) as FunctionSettings, code, topics);
        place.node.addDependency(checked);
      }
    } finally {
      code.discard();
    }
    if (props.dashboard !== false) new OperatorsDashboard(this, "Dashboard", this.topology);
    new CfnOutput(this, "StateTableName", { value: this.state.table.tableName });
    new CfnOutput(this, "KafkaBootstrapServers", { value: this.kafka.bootstrapServers });
  }

  /** A function by its name, to give it permissions, layers or anything else. Throws MillraceError "definition" where there is none. */
  function(name: string): LambdaFunction {
    const found = this.#functions.get(name);
    if (found !== undefined) return found.function;
    throw new MillraceError(
      "definition",
      `There is no function ${quote(name)}; there are ${listOf([...this.#functions.keys()])}.`,
    );
  }

  /** What names its Kafka to others. */
  get #kafkaName(): string {
    return this.kafka.clusterArn ?? this.kafka.bootstrapServers;
  }

  #warn(settings: readonly FunctionSettings[]): void {
    const reserved = settings.reduce((sum, { reservedConcurrency = 0 }) => sum + reservedConcurrency, 0);
    for (const [i, warning] of [...this.topology.warnings, warnOfConcurrency(reserved)].entries())
      if (warning !== undefined) Annotations.of(this).addWarningV2(`millrace:${i}`, warning);
  }

  #settingsOf(plan: FunctionPlan): FunctionSettings {
    const { tuning, pollers, reservedConcurrency, functions = {}, settings = {} } = this.#props;
    const used = plan.uses.filter(({ kind, name }) => kind === "setting" && settings[name] !== undefined);
    const application = {
      ...(tuning !== undefined && { tuning }),
      ...(pollers !== undefined && { pollers }),
      ...(reservedConcurrency !== undefined && { reservedConcurrency }),
      environment: Object.fromEntries(used.map(({ name }) => [name, settings[name] as string])),
    };
    const decided = toFunctionSettings(plan, [application, functions[plan.name] ?? {}]);
    checkUses(plan, decided.environment);
    return decided;
  }

  get #split(): "together" | "per-operator" {
    const { split, kafka } = this.#props;
    // MiniStack loses what resources of a nested stack are called when that is updated.
    return split ?? (kafka.spec.kind === "emulated" ? "together" : "per-operator");
  }

  /** The name of a function in AWS. */
  #claim(functionName: string): string {
    const name = physicalName(this.topology.application, functionName);
    claimFunction(this, name);
    return name;
  }

  #newPlace(operatorName: string): Construct {
    return this.#split === "together" ? new Construct(this, operatorName) : new NestedStack(this, operatorName);
  }

  #addVersionCheck(code: AppCode): VersionCheck {
    const { topicPrefix = "", confirm = [], permissionsBoundary, keepState: keepsState = true } = this.#props;
    const inContext: unknown = this.node.tryGetContext(CONFIRM);
    return new VersionCheck(this, "Version", {
      version: {
        ...codeVersionOf(this.topology),
        topicPrefix,
        split: this.#split,
        keepsState,
        snapshots: this.state.bucket !== undefined,
      },
      kafka: this.#kafkaName,
      emulated: this.#props.kafka.spec.kind === "emulated",
      confirmed: [...confirm, ...(typeof inContext === "string" ? inContext.split(",") : [])],
      functionName: this.#claim(CHECK_VERSION),
      code: code.of(CHECK_VERSION),
      logRetention: this.#logRetention,
      permissionsBoundary,
    });
  }

  #addTopics(code: AppCode): Topics {
    return new Topics(this, "Topics", {
      topics: this.topology.topics,
      kafka: this.kafka,
      toKafka: this.#toKafka,
      functionName: this.#claim(CREATE_TOPICS),
      code: () => code.of(CREATE_TOPICS),
      logRetention: this.#logRetention,
      permissionsBoundary: this.#props.permissionsBoundary,
    });
  }

  #addFunction(place: Construct, plan: FunctionPlan, settings: FunctionSettings, code: AppCode, topics: Topics): void {
    const { application } = this.topology;
    const {
      permissionsBoundary,
      tracing = false,
      topicPrefix,
      metrics,
      alarms,
      scheduleMinutes = SCHEDULE_MINUTES_DEFAULT,
    } = this.#props;
    const name = this.#claim(plan.name);
    const wakeUps = settings.needsClock
      ? new WakeUpQueue(place, `${plan.name}-queue`, `${name}-wake-ups`, settings.timeoutSeconds)
      : undefined;
    const target = new OperatorFunction(place, plan.name, {
      plan,
      settings,
      code: code.of(plan.operator.operatorName),
      kafka: this.kafka,
      lambda: {
        application,
        table: this.state.table.tableName,
        snapshots: this.state.bucket === undefined ? undefined : `s3://${this.state.bucket.bucketName}`,
        wakeUpQueue: wakeUps?.queue.queueUrl,
        topicPrefix,
        metrics,
        writtenElsewhere: plan.sources.flatMap(({ topic, writtenByMillrace }) =>
          writtenByMillrace ? topic.topicName : [],
        ),
      },
      toKafka: this.#toKafka,
      logRetention: this.#logRetention,
      tracing,
      permissionsBoundary,
      grants: [...this.#stateGrants(plan), ...this.#outsideGrants(plan), ...(wakeUps?.grants ?? [])],
    });
    for (const mapping of target.mappings) mapping.node.addDependency(topics);
    if (wakeUps !== undefined)
      new WakeUps(place, `${plan.name}-wake-ups`, {
        plan,
        target,
        queue: wakeUps.queue,
        everyMinutes: scheduleMinutes,
        permissionsBoundary,
      });
    if (alarms !== false) this.#addAlarms(place, plan, settings, alarms ?? {});
    this.#functions.set(plan.name, target);
  }

  #stateGrants(plan: FunctionPlan): readonly Grant[] {
    const { table, bucket } = this.state;
    const key = this.#props.state?.encryptionKey;
    return [
      ...stateGrants(this.topology.application, plan, table.tableArn),
      ...(bucket === undefined ? [] : snapshotGrants(bucket.bucketArn, table.tableName)),
      ...(key === undefined
        ? []
        : [
            {
              actions: ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"],
              resources: [key.keyArn],
            },
          ]),
    ];
  }

  #outsideGrants(plan: FunctionPlan): readonly Grant[] {
    const arn = (service: string, resource: string, resourceName: string, arnFormat: ArnFormat) =>
      Stack.of(this).formatArn({ service, resource, resourceName, arnFormat });
    return [
      ...secretGrants(plan, (name) => arn("secretsmanager", "secret", name, ArnFormat.COLON_RESOURCE_NAME)),
      ...rowGrants(plan, (name) => this.tables.table(name).tableArn),
    ];
  }

  #uses(kind: "setting" | "secret"): boolean {
    return this.topology.functions.some(({ uses }) => uses.some((use) => use.kind === kind));
  }

  #addAlarms(
    place: Construct,
    plan: FunctionPlan,
    settings: FunctionSettings,
    { actions = [], lagSeconds }: AlarmOptions,
  ): void {
    const { application } = this.topology;
    const metrics = new FunctionMetrics(application, plan.name);
    const { clusterName } = this.kafka;
    const read = plan.shuffle === undefined ? plan.sources.map(({ topic }) => topic.topicName) : [plan.shuffle.name];
    const timeLags =
      clusterName === undefined ? [] : read.map((topic) => metrics.timeLag(clusterName, this.#toKafka(topic)));
    const specs = alarmSpecs(plan, settings, metrics, timeLags, lagSeconds);
    new Alarms(place, `${plan.name}-alarms`, application, plan.name, specs, actions);
  }

  get #logRetention(): RetentionDays {
    return this.#props.logRetention ?? RetentionDays.ONE_MONTH;
  }
}
