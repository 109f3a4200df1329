/** The public API of Millrace. */

export type { Broker } from "./kafka/broker.ts";
export type { IamCredentials, IamLogin, KafkaLogin, KafkaSettings, KafkaTls } from "./kafka/kafka-settings.ts";
export { openKafkaBroker } from "./kafka/open-kafka-broker.ts";
export { type OperatorSettings, operator } from "./lambda/operator.ts";

export { EventSourceMapping, type PartitionPosition } from "./local/event-source-mapping.ts";
export { type CostBudget, expectCost, type MeasuredCost } from "./local/expect-cost.ts";
export type { LambdaContext, LambdaHandler, LocalFunction } from "./local/invocation.ts";
export type { Discarded, EventSourceMappingOptions, MappingNotice } from "./local/mapping-options.ts";
export { MemoryBroker, type MemoryBrokerOptions } from "./local/memory-broker.ts";
export { at, type Placed } from "./local/placed.ts";
export type { StateCell } from "./local/read-state.ts";
export type { TopicElement } from "./local/read-topic.ts";
export { TestDriver, testDriver } from "./local/test-driver.ts";
export type { TestDriverOptions } from "./local/test-driver-options.ts";
export type { DeadLetter } from "./runtime/dead-letter.ts";
export type { Handler, InvocationContext, Operator } from "./runtime/operator-handler.ts";
export type { TaskReport } from "./runtime/report.ts";
export type { Aggregates, Aggregator, CustomAggregate, On, QuantilesOf, ResultOf } from "./stream/aggregators.ts";
export type { QuantileOptions } from "./stream/aggregators-sketching.ts";
export {
  type AnswerCache,
  type AsyncCall,
  type AsyncFunction,
  asyncFunction,
  type Backoff,
  type MapAsyncOptions,
} from "./stream/async-function.ts";
export type {
  Broadcast,
  BroadcastCtx,
  BroadcastSpec,
  BroadcastStates,
  BroadcastTable,
  BroadcastTableSpec,
  ConnectedBroadcast,
  ConnectedTable,
  ForwardOptions,
  KeyedBroadcastCtx,
  ReadOnlyMapState,
  ReadOnlyValueState,
  TableChange,
  TableView,
  UnkeyedBroadcast,
  UnkeyedBroadcastSpec,
  UnkeyedTable,
  UnkeyedTableSpec,
} from "./stream/broadcast.ts";
export type { Ctx, Log, Metrics } from "./stream/ctx.ts";
export { type CumulativeOptions, cumulative } from "./stream/cumulative.ts";
export { type CustomWindows, customWindows } from "./stream/custom-windows.ts";
export { type Duration, days, hours, milliseconds, minutes, seconds } from "./stream/duration.ts";
export {
  type DynamoTable,
  dynamoTable,
  type TableKey,
  type TableKeyType,
  type TableOptions,
} from "./stream/dynamo-table.ts";
export type { Elements, Named, Result, Sink, WindowResult, Writer } from "./stream/elements.ts";
export { type ErrorCode, MillraceError } from "./stream/error.ts";
export {
  type CustomEvictor,
  countEvictor,
  customEvictor,
  deltaEvictor,
  type Evictor,
  type EvictorContext,
  type EvictorOptions,
  type TimedElement,
  timeEvictor,
} from "./stream/evictor.ts";
export { bytes, type Format, json, text } from "./stream/format.ts";
export { globalWindow } from "./stream/global-window.ts";
export type { IntervalJoin, IntervalJoined, IntervalOptions } from "./stream/interval-joined.ts";
export type { JoinCtx, Joined, LateTopics } from "./stream/joined.ts";
export type { Key, KeyPart } from "./stream/key.ts";
export type { KeyByOptions, KeyedStream } from "./stream/keyed-stream.ts";
export type { FunctionOptions, OperatorDefinition, OperatorOptions } from "./stream/operator-definition.ts";
export type {
  Condition,
  Match,
  NotStage,
  OpenPattern,
  PartialMatch,
  Pattern,
  PatternStart,
  Stage,
  Stages,
} from "./stream/pattern.ts";
export type { MatchCtx, PatternMatches, PatternOptions } from "./stream/pattern-matches.ts";
export type {
  Connected,
  ConnectSpec,
  DeduplicateOptions,
  Emitted,
  ProcessCtx,
  ProcessSpec,
  TimerCtx,
  TimerSetter,
} from "./stream/process.ts";
export {
  type AggregatingState,
  aggregatingState,
  type CounterState,
  counterState,
  type HandlesOf,
  type ListState,
  listState,
  type MapState,
  mapState,
  type ReducingState,
  reducingState,
  type StateDeclaration,
  type StateOptions,
  type States,
  type ValueState,
  valueState,
} from "./stream/process-state.ts";
export { route } from "./stream/route.ts";
export { type SessionOptions, session } from "./stream/session.ts";
export { type Secret, type Setting, secret, setting, type Uses, type ValuesOf } from "./stream/settings.ts";
export {
  type OutsideSink,
  type SinkCall,
  type SinkElement,
  type SinkOptions,
  type SinkRefusals,
  sink,
} from "./stream/sink.ts";
export { type SlidingOptions, sliding } from "./stream/sliding.ts";
export { type KafkaRecord, type Predicate, records, type SourceOptions, type Stream, stream } from "./stream/stream.ts";
export { type Table, table } from "./stream/table.ts";
export { type RecordSpec, type Topic, type TopicOptions, topic } from "./stream/topic.ts";
export {
  type CustomTrigger,
  continuousEventTimeTrigger,
  continuousProcessingTimeTrigger,
  countTrigger,
  customTrigger,
  deltaTrigger,
  eventTimeTrigger,
  processingTimeTrigger,
  purging,
  type Trigger,
  type TriggerContext,
  type TriggerResult,
} from "./stream/trigger.ts";
export { type TumblingOptions, tumbling } from "./stream/tumbling.ts";
export {
  boundedOutOfOrderness,
  customWatermark,
  type GeneratedWatermarkOptions,
  type GeneratorCtx,
  type GeneratorEventCtx,
  monotonic,
  noWatermark,
  punctuated,
  type WatermarkGenerator,
  type WatermarkOptions,
  type WatermarkStrategy,
} from "./stream/watermark-strategy.ts";
export type { CoGroup, CoGrouped, WindowJoin, WindowJoinCtx, WindowJoined } from "./stream/window-joined.ts";
export type { GlobalWindow, TimeWindow, WindowAssigner } from "./stream/window-spec.ts";
export type {
  ClearContext,
  ProcessOptions,
  ResultContext,
  WindowContext,
  Windowed,
  WindowedAll,
  WindowOptions,
  WindowStateOptions,
  WindowStates,
} from "./stream/windowed.ts";
export type { RedriveOutcome } from "./wire/lambda-event.ts";
export type { RecordColumns } from "./wire/record-columns.ts";
