/** What `millrace/cdk` offers to stacks. */

export type { AlarmOptions } from "./alarms.ts";
export type { FunctionOverrides, Pollers, Tuning } from "./function-settings.ts";
export { Kafka, type KafkaLogin, type KafkaNetwork, type TopicsBy } from "./kafka.ts";
export { MillraceApp, type MillraceAppProps } from "./millrace-app.ts";
export type { StateOptions } from "./state-table.ts";
