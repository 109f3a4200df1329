/** What is said at synthesis of an application as a whole, before any of its resources is made. */

import { Stack, Token } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import { isOperator, type Operator } from "../runtime/operator-handler.ts";
import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan, Topology } from "../stream/plan.ts";
import { listOf, quote } from "../stream/sentence.ts";
import type { MillraceAppProps } from "./millrace-app.ts";

/** MSK Serverless has no more for all topics together, and of compacted ones. */
const SERVERLESS_PARTITIONS_MAX = 2_400;
const SERVERLESS_COMPACTED_MAX = 120;
const PREFIX = /^[A-Za-z0-9._-]{1,100}$/;

/** Throws MillraceError "definition" for something that is no operator, or whose file is not known, so that it cannot be bundled. */
export function checkOperators(operators: readonly unknown[]): asserts operators is readonly Operator[] {
  for (const [i, operator] of operators.entries()) {
    if (!isOperator(operator))
      throw refuse(
        `operators[${i}] is no operator: give what operator(…) returned, which is what its file exports. What wraps handlers belongs into operator({ name, wrap }).`,
      );
    if (operator.definition.file === "")
      throw refuse(
        `The file of operator ${quote(operator.operatorName)} is not known, so it cannot be bundled: make it in a file of its own.`,
      );
  }
}

/** Throws where what the stack says of functions is of none, or names cannot be used. */
export function checkApp(
  { functions, topics }: Topology,
  {
    functions: overridden = {},
    topicPrefix = "",
    scheduleMinutes = 1,
    settings = {},
    kafka: { spec: kafka },
  }: MillraceAppProps,
): void {
  const names = functions.map(({ name }) => name);
  const unknown = Object.keys(overridden).find((name) => !names.includes(name));
  if (unknown !== undefined) throw refuse(`There is no function ${quote(unknown)} to set; there are ${listOf(names)}.`);
  if (topicPrefix !== "" && !PREFIX.test(topicPrefix))
    throw refuse(
      `Topics cannot have the prefix ${quote(topicPrefix)}: it is made of letters, digits, '.', '_' and '-'.`,
    );
  if (!Number.isSafeInteger(scheduleMinutes) || scheduleMinutes < 1)
    throw refuse(`scheduleMinutes is ${scheduleMinutes}; it takes a whole number of minutes from 1 on.`);
  if (kafka.kind !== "serverless") return;
  const own = topics.filter(({ external }) => !external);
  const sum = (of: typeof own) => of.reduce((total, { partitions }) => total + partitions, 0);
  const compacted = sum(own.filter((topic) => topic.compacted));
  if (sum(own) > SERVERLESS_PARTITIONS_MAX || compacted > SERVERLESS_COMPACTED_MAX)
    throw refuse(
      `The application has ${sum(own)} partitions, ${compacted} of them compacted; MSK Serverless allows ${SERVERLESS_PARTITIONS_MAX} and ${SERVERLESS_COMPACTED_MAX}. Use fewer, or Kafka.mskProvisioned.`,
    );
}

/** Throws where nobody sets what the function declares. Whether there are its secrets is known only where it runs. */
export function checkUses({ name, uses }: FunctionPlan, environment: Readonly<Record<string, string>>): void {
  const missing = uses.find((use) => use.kind === "setting" && environment[use.name] === undefined);
  if (missing !== undefined)
    throw refuse(
      `Function ${quote(name)} declares the setting ${missing.name}, and nobody sets it: settings: { ${missing.name}: "…" }.`,
    );
}

/** What is claimed, by the app of the CDK: who has it. */
const claimed = new WeakMap<IConstruct, Map<string, string>>();

/** Who has claimed this in the CDK's app before, in the same account and region; else it is `app`'s from now on. */
function claim(app: IConstruct, what: string): string | undefined {
  const { account, region } = Stack.of(app);
  const { root } = app.node;
  const names = claimed.get(root) ?? new Map<string, string>();
  claimed.set(root, names);
  const key = `${account}/${region}/${what}`;
  const other = names.get(key);
  if (other === undefined) names.set(key, app.node.path);
  return other;
}

/** Throws where another application of the same account and region has the name: they would share functions, table and queues. */
export function claimName(app: IConstruct, name: string): void {
  const other = claim(app, `application ${name}`);
  if (other !== undefined)
    throw refuse(
      `${app.node.path} and ${other} are both called ${quote(name)}: give each application of an account a name of its own, as name: "${name}-dev".`,
    );
}

/** Throws where a function would have the name of another one in AWS: of "shop-dev" and "count", or of "shop" and "dev-count". */
export function claimFunction(app: IConstruct, physicalName: string): void {
  const other = claim(app, `function ${physicalName}`);
  if (other !== undefined)
    throw refuse(
      `Two functions would be called ${quote(physicalName)} in AWS${other === app.node.path ? "" : `, of ${app.node.path} and of ${other}`}: rename an operator, or the application.`,
    );
}

/** Throws where another application makes a topic of the same name in the same Kafka: what goes through its shuffles would be mixed. */
export function claimTopics(app: IConstruct, kafka: string, topics: readonly string[]): void {
  for (const topic of topics) {
    const other = claim(app, `topic ${topic} of ${kafka}`);
    if (other !== undefined && other !== app.node.path)
      throw refuse(
        `${app.node.path} and ${other} would both make the topic ${quote(topic)} in one Kafka: give each a topicPrefix of its own, or declare the topic external where it is another's.`,
      );
  }
}

/** Throws where the cluster is in another region or account than the stack: no mapping reaches it. What is known only when it is deployed is not compared. */
export function checkPlace(app: IConstruct, { spec }: MillraceAppProps["kafka"]): void {
  if (spec.kind !== "msk" || Token.isUnresolved(spec.clusterArn)) return;
  const { account, region } = Stack.of(app);
  const [, , , clusterRegion, clusterAccount] = spec.clusterArn.split(":");
  if (!Token.isUnresolved(region) && region !== clusterRegion)
    throw refuse(`The cluster is in ${clusterRegion} and the stack in ${region}: deploy it where the cluster is.`);
  if (!Token.isUnresolved(account) && account !== clusterAccount)
    throw refuse(
      `The cluster is of account ${clusterAccount} and the stack of ${account}: mappings read clusters of their own account.`,
    );
}

/** An account has this many to begin with, of which Lambda keeps 100 for functions that reserve none. */
const CONCURRENCY = { ofAccount: 1_000, unreserved: 100 };

/** A sentence where functions together reserve more than an account has at first; what this account has nobody knows here. */
export function warnOfConcurrency(reserved: number): string | undefined {
  const most = CONCURRENCY.ofAccount - CONCURRENCY.unreserved;
  if (reserved <= most) return undefined;
  return `The functions reserve ${reserved} concurrent invocations, and an account that was not given more has ${most} to reserve: ask for more, or say reservedConcurrency: "none".`;
}

function refuse(sentence: string): MillraceError {
  return new MillraceError("definition", sentence);
}
