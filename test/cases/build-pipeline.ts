/** Makes the operator that a case's pipeline describes, with topics of its own. */

import {
  type Aggregator,
  boundedOutOfOrderness,
  continuousEventTimeTrigger,
  continuousProcessingTimeTrigger,
  countEvictor,
  countTrigger,
  cumulative,
  deltaEvictor,
  deltaTrigger,
  type Evictor,
  eventTimeTrigger,
  globalWindow,
  json,
  type KeyedStream,
  milliseconds,
  type On,
  type Operator,
  operator,
  processingTimeTrigger,
  purging,
  type Stream,
  session,
  sliding,
  stream,
  type Topic,
  type Trigger,
  table,
  text,
  timeEvictor,
  topic,
  tumbling,
  valueState,
  type WindowAssigner,
  type Windowed,
} from "millrace";
import type {
  Case,
  CaseAggregate,
  CaseAssigner,
  CaseEvictor,
  CasePipeline,
  CaseTrigger,
  Command,
} from "./case-format.ts";

/** An element as it is written. */
export type Input = { readonly key: string; readonly value: number | Command | { value: number; gap: number } };

type Bounds = { readonly startMs: number; readonly endMs: number };

/** A result as it is written. The bounds of a window that has none are null. */
export type Output = { readonly key: string | null; readonly value: unknown; readonly window?: Bounds };

type Elements = Topic<Input, Input, string, string>;
type Versions = Topic<Input | null, Input | null, string, string>;

export type Pipeline = {
  readonly operator: Operator;
  readonly inputs: { readonly left: Elements; readonly right: Elements | Versions };
  readonly results: Topic<Output, Output, unknown, null>;
  readonly late: readonly Elements[];
};

type Keyed = KeyedStream<Input, string>;
type Outputs = Stream<Output, unknown> | KeyedStream<Output, string>;

// Time moves only where a case moves it.
const NEVER_BY_ITSELF_MS = 1_000_000_000;

/** The pipeline of a case. */
export function buildPipeline({ pipeline, partitions = 1, outOfOrderness = NEVER_BY_ITSELF_MS }: Case): Pipeline {
  const options = {
    key: text(),
    value: json<Input>(),
    watermark: boundedOutOfOrderness(milliseconds(outOfOrderness)),
    partitions,
  };
  const left = topic("left", options);
  const right = topic("right", options);
  const versions = topic("versions", { ...options, compacted: true });
  const results = topic("results", { value: json<Output>(), partitions: 1 });
  const [lateLeft, lateRight] = ["left", "right"].map((side) =>
    topic(`late-${side}`, { key: text(), value: json<Input>(), partitions: 1 }),
  ) as [Elements, Elements];
  const keyed = byKey(left);
  const late = { left: lateLeft, right: lateRight };
  const outputs =
    "tableJoin" in pipeline
      ? joinedWithTable(pipeline, keyed, versions)
      : outputsOf(pipeline, keyed, () => byKey(right), late);
  const twoInputs = "intervalJoin" in pipeline || "windowJoin" in pipeline || "coGroup" in pipeline;
  const keepsLate = "late" in pipeline && pipeline.late === "kept";
  return {
    operator: operator("a-case", outputs.to(results)),
    inputs: { left, right: "tableJoin" in pipeline ? versions : right },
    results,
    late: !keepsLate ? [] : twoInputs ? [lateLeft, lateRight] : [lateLeft],
  };
}

function byKey(from: Elements): Keyed {
  return stream(from).keyBy(({ key }) => key);
}

function joinedWithTable(
  { tableJoin }: Extract<CasePipeline, { tableJoin: unknown }>,
  keyed: Keyed,
  versions: Versions,
): Outputs {
  const join = tableJoin === "inner" ? keyed.join(table(versions)) : keyed.leftJoin(table(versions));
  return join.map((left, right): Output => ({ key: left.key, value: pairOf(left, right ?? null) }));
}

function outputsOf(
  pipeline: Exclude<CasePipeline, { tableJoin: unknown }>,
  keyed: Keyed,
  right: () => Keyed,
  late: { readonly left: Elements; readonly right: Elements },
): Outputs {
  if ("window" in pipeline) return windowResults(pipeline, keyed, late.left);
  if ("countWindow" in pipeline)
    return aggregated(keyed.countWindow(pipeline.countWindow, pipeline.every), pipeline.result);
  if ("rolling" in pipeline)
    return keyed
      .aggregate((on) => aggregatorOf(on, pipeline.rolling))
      .map(({ key, value }) => ({ key, value: shown(value) }));
  if ("deduplicate" in pipeline) {
    const { ttl } = pipeline.deduplicate;
    return keyed
      .deduplicate({ by: numberOf, ...(ttl === undefined ? {} : { ttl: milliseconds(ttl) }) })
      .map((element) => ({ key: element.key, value: numberOf(element) }));
  }
  if ("intervalJoin" in pipeline) {
    const [lower, upper] = pipeline.intervalJoin;
    const { lowerInclusive = true, upperInclusive = true } = pipeline;
    const join = keyed
      .intervalJoin(right())
      .between(milliseconds(lower), milliseconds(upper), { lowerInclusive, upperInclusive });
    return (pipeline.late === "kept" ? join.lateTo(late) : join).map(
      (a, b): Output => ({ key: a.key, value: pairOf(a, b) }),
    );
  }
  if ("windowJoin" in pipeline) {
    let join = keyed.join(right()).window(assignerOf(pipeline.windowJoin));
    if (pipeline.allowedLateness !== undefined) join = join.allowedLateness(milliseconds(pipeline.allowedLateness));
    if (pipeline.late === "kept") join = join.lateTo(late);
    return join.map((a, b, { window }): Output => ({ key: a.key, value: pairOf(a, b), window }));
  }
  if ("coGroup" in pipeline) {
    let groups = keyed.coGroup(right()).window(assignerOf(pipeline.coGroup));
    if (pipeline.allowedLateness !== undefined) groups = groups.allowedLateness(milliseconds(pipeline.allowedLateness));
    if (pipeline.late === "kept") groups = groups.lateTo(late);
    return groups.flatMap((lefts, rights, { key, window }): Output[] => [
      { key, value: [lefts.map(numberOf), rights.map(numberOf)], window },
    ]);
  }
  return commandResults(pipeline, keyed);
}

function windowResults(pipeline: Extract<CasePipeline, { window: unknown }>, keyed: Keyed, late: Elements): Outputs {
  const { trigger, evictor, allowedLateness, emit, result } = pipeline;
  const assigner = assignerOf(pipeline.window);
  const options =
    emit === undefined
      ? {}
      : {
          emit: emit === "updates" ? emit : { every: milliseconds(emit.every), ...(emit.time && { time: emit.time }) },
        };
  // Over all elements there is no key, and the rest is the same.
  let windows = (
    pipeline.all === true ? keyed.windowAll(assigner, options) : keyed.window(assigner, options)
  ) as Windowed<Input, string | null, Bounds>;
  if (allowedLateness !== undefined) windows = windows.allowedLateness(milliseconds(allowedLateness));
  if (pipeline.late === "kept") windows = windows.lateTo(late as Topic<Input, unknown, string | null, unknown>);
  if (trigger !== undefined) windows = windows.trigger(triggerOf(trigger));
  if (evictor !== undefined) windows = windows.evictor(evictorOf(evictor));
  if (result === "process" || result === "process in event-time order")
    return windows.process(
      (elements, { key, window }): Output[] => [{ key, value: elements.map(numberOf), window }],
      result === "process" ? {} : { order: "event-time" },
    ) as Outputs;
  if (result === "aggregate and process")
    return windows.aggregateAndProcess(
      (on) => on.sum(numberOf),
      (value, { key, window }): Output[] => [{ key, value, window }],
    ) as Outputs;
  return aggregated(windows, result);
}

function aggregated<W extends object>(windows: Windowed<Input, string | null, W>, result: CaseAggregate): Outputs {
  return windows
    .aggregate((on) => aggregatorOf(on, result))
    .map(
      ({ key, value, window }): Output => ({ key, value: shown(value), window: window as unknown as Bounds }),
    ) as Outputs;
}

function aggregatorOf(on: On<Input>, aggregate: CaseAggregate): Aggregator<Input, unknown> {
  switch (aggregate) {
    case "count":
    case "first":
    case "last":
      return on[aggregate]();
    case "sum":
    case "min":
    case "max":
    case "average":
    case "minBy":
    case "maxBy":
      return on[aggregate](numberOf);
    case "collect":
      return on.collect(numberOf);
  }
}

/** An element among the results is shown as its number. */
function shown(value: unknown): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? numberOf(value as Input) : value;
}

function commandResults({ commands }: Extract<CasePipeline, { commands: unknown }>, keyed: Keyed): Outputs {
  const kept = valueState<{ readonly it: string }>({
    ...(commands.ttl === undefined ? {} : { ttl: milliseconds(commands.ttl) }),
    refresh: commands.refreshOnRead === true ? "read" : "write",
  });
  return keyed.process({
    state: { kept },
    onElement({ value }, { key, state, timers }): Output[] {
      const command = value as Command;
      if (command.setEventTimer !== undefined) timers.eventTime(command.setEventTimer);
      if (command.setProcessingTimer !== undefined) timers.processingTime(command.setProcessingTimer);
      if (command.deleteEventTimer !== undefined) timers.deleteEventTime(command.deleteEventTimer);
      if (command.deleteProcessingTimer !== undefined) timers.deleteProcessingTime(command.deleteProcessingTimer);
      if (command.put !== undefined) state.kept.set({ it: command.put });
      if (command.clear === true) state.kept.clear();
      return command.get === true ? [{ key, value: state.kept.get()?.it ?? null }] : [];
    },
    onTimer({ key, time, firedAtMs, state }): Output[] {
      return [{ key, value: { timer: time, at: firedAtMs, kept: state.kept.get()?.it ?? null } }];
    },
  });
}

function numberOf({ value }: Input): number {
  return typeof value === "object" && "value" in value ? value.value : (value as number);
}

function pairOf(left: Input, right: Input | null): readonly [number, number | null] {
  return [numberOf(left), right === null ? null : numberOf(right)];
}

function assignerOf(assigner: CaseAssigner): WindowAssigner<Input, Bounds> {
  const { time, offset } = assigner as { readonly time?: "event" | "processing"; readonly offset?: number };
  const options = {
    ...(time === undefined ? {} : { time }),
    ...(offset === undefined ? {} : { offset: milliseconds(offset) }),
  };
  if ("tumbling" in assigner) return tumbling(milliseconds(assigner.tumbling), options);
  if ("sliding" in assigner) return sliding(milliseconds(assigner.sliding), milliseconds(assigner.slide), options);
  if ("cumulative" in assigner)
    return cumulative(milliseconds(assigner.cumulative), milliseconds(assigner.upTo), options);
  if ("global" in assigner) return globalWindow() as unknown as WindowAssigner<Input, Bounds>;
  if (typeof assigner.session === "number") return session(milliseconds(assigner.session), options);
  return session((element: Input) => milliseconds((element.value as { readonly gap: number }).gap), options);
}

function triggerOf(trigger: CaseTrigger): Trigger<Input> {
  if (trigger === "event time") return eventTimeTrigger();
  if (trigger === "processing time") return processingTimeTrigger();
  if ("count" in trigger) return countTrigger(trigger.count);
  if ("continuousEventTime" in trigger) return continuousEventTimeTrigger(milliseconds(trigger.continuousEventTime));
  if ("continuousProcessingTime" in trigger)
    return continuousProcessingTimeTrigger(milliseconds(trigger.continuousProcessingTime));
  if ("delta" in trigger)
    return deltaTrigger(trigger.delta, (last: Input, element: Input) => numberOf(element) - numberOf(last));
  return purging(triggerOf(trigger.purging));
}

function evictorOf(evictor: CaseEvictor): Evictor<Input> {
  const options = { when: evictor.when ?? "before" };
  if ("count" in evictor) return countEvictor(evictor.count, options);
  if ("time" in evictor) return timeEvictor(milliseconds(evictor.time), options);
  return deltaEvictor(evictor.delta, (element: Input, last: Input) => numberOf(last) - numberOf(element), options);
}
