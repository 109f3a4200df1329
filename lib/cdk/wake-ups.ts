/**
 * What wakes a function's tasks when nothing arrives: a queue whose messages come back to it at the time they were asked for, and below it a schedule that
 * ticks all of its tasks. What a queue loses, the schedule makes good; before its first commit a task has asked for nothing, and the schedule alone knows of it.
 */

import { Duration } from "aws-cdk-lib";
import { type IManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnEventSourceMapping } from "aws-cdk-lib/aws-lambda";
import { CfnSchedule } from "aws-cdk-lib/aws-scheduler";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { placesOf, tickEvent } from "../local/tick.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { acknowledge } from "./acknowledge.ts";
import type { Grant } from "./grant.ts";
import type { OperatorFunction } from "./operator-function.ts";
import { addGrants } from "./to-policy.ts";

/** As many as SQS gives without waiting for more. */
const MESSAGES_MAX = 10;
/** A message that fails is shown again when nobody can be at it any more: SQS and Lambda ask for six time-outs. */
const VISIBILITY_TIMEOUTS = 6;

export class WakeUpQueue extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string, queueName: string, timeoutSeconds: number) {
    super(scope, id);
    this.queue = new Queue(this, "Queue", {
      queueName,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(timeoutSeconds * VISIBILITY_TIMEOUTS),
      retentionPeriod: Duration.days(1),
    });
    acknowledge(
      this.queue,
      ["AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy"],
      "A wake-up is a hint: one that fails for a day is not missed, as the schedule ticks the same tasks.",
    );
  }

  get grants(): readonly Grant[] {
    const actions = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
    return [{ actions, resources: [this.queue.queueArn] }];
  }
}

export type WakeUpsProps = {
  readonly plan: FunctionPlan;
  readonly target: OperatorFunction;
  readonly queue: Queue;
  /** How often the schedule ticks all tasks, whole minutes. */
  readonly everyMinutes: number;
  readonly permissionsBoundary: IManagedPolicy | undefined;
};

/** Wires queue and schedule to their function. */
export class WakeUps extends Construct {
  constructor(scope: Construct, id: string, { plan, target, queue, everyMinutes, permissionsBoundary }: WakeUpsProps) {
    super(scope, id);
    const mapping = new CfnEventSourceMapping(this, "FromQueue", {
      functionName: target.function.functionArn,
      eventSourceArn: queue.queueArn,
      batchSize: MESSAGES_MAX,
    });
    mapping.node.addDependency(target.role);
    acknowledge(
      mapping,
      ["Serverless-LambdaEventSourceMappingDestination"],
      "SQS keeps what failed and shows it again.",
    );
    const role = new Role(this, "ScheduleRole", {
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com"),
      ...(permissionsBoundary !== undefined && { permissionsBoundary }),
    });
    addGrants(role, [{ actions: ["lambda:InvokeFunction"], resources: [target.function.functionArn] }]);
    const schedule = new CfnSchedule(this, "Schedule", {
      scheduleExpression: `rate(${everyMinutes} ${everyMinutes === 1 ? "minute" : "minutes"})`,
      flexibleTimeWindow: { mode: "OFF" },
      description: `Ticks ${plan.name}`,
      target: {
        arn: target.function.functionArn,
        roleArn: role.roleArn,
        input: JSON.stringify(tickEvent(plan, placesOf(plan))),
        // The next tick is a better repeat.
        retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
      },
    });
    schedule.node.addDependency(role);
  }
}
