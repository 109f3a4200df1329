/** The builder behind Windowed and WindowedAll: what is said of windows before it is known what is made of them. */

import type { AggregatorSpec } from "./aggregate.ts";
import { toAggregatorSpec } from "./aggregators.ts";
import { collectAll, reduceBy, topOf } from "./aggregators-collecting.ts";
import { averageOf, bestOf, countAll, extremeOf, sumOf } from "./aggregators-numeric.ts";
import { authorFunction } from "./author-function.ts";
import { requireAssigner, requireCount, requireLength, requireTime } from "./check-window.ts";
import type { Ctx } from "./ctx.ts";
import { toStates } from "./declared-states.ts";
import { type Duration, milliseconds } from "./duration.ts";
import type { Named, WindowResult } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { EvictorSpec } from "./evictor.ts";
import type { AuthorFunction, Node, WindowFunctionSpec, WindowNode } from "./node.ts";
import { topKeysNode } from "./top-keys.ts";
import type { AnyTopic } from "./topic.ts";
import { canMerge, type TriggerSpec } from "./trigger.ts";
import type { GlobalSpec, WindowAssignerSpec } from "./window-spec.ts";
import type { WindowOptions } from "./windowed.ts";

/** Options of a window's function, as far as they are known without its types. */
type AnyProcessOptions = {
  readonly order?: "arrival" | "event-time";
  readonly windowState?: unknown;
  readonly globalState?: unknown;
  readonly clear?: AuthorFunction;
};

type Settings = Omit<WindowNode, "aggregator" | "process">;

/** Makes the stream that follows: of the same kind, or one without a key. */
type Then = (node: Node, kind?: "stream") => unknown;

/** The windows over a node. */
export function windowsOver(
  {
    input,
    assigner,
    options,
    all,
  }: {
    readonly input: Node;
    readonly assigner: WindowAssignerSpec;
    readonly options: WindowOptions;
    readonly all: boolean;
  },
  then: Then,
): unknown {
  if (assigner?.kind !== "global") requireAssigner(assigner);
  const settings: Settings = {
    kind: "window",
    input,
    // Windows over all keys have a keyBy of their own, which is called by their name.
    name: all ? undefined : options.name,
    assigner,
    trigger: emitTrigger(options.emit, assigner),
    evictor: undefined,
    allowedLateness: milliseconds(0),
    lateTo: undefined,
    all,
  };
  return new WindowsBuilder(settings, settings.trigger !== undefined, then);
}

/** Windows of `n` elements over a node; of the last `n`, with every `every`. */
export function countWindowsOver(
  input: Node,
  n: number,
  every: number | undefined,
  options: Named | undefined,
  then: Then,
): unknown {
  requireCount(n, "The size of a count window");
  if (every !== undefined) requireCount(every, "The slide of a count window");
  const assigner: GlobalSpec = { kind: "global", time: "none" };
  const settings: Settings = {
    kind: "window",
    input,
    name: options?.name,
    assigner,
    trigger: every === undefined ? { kind: "purging", of: { kind: "count", n } } : { kind: "count", n: every },
    evictor: every === undefined ? undefined : { kind: "count", n, when: "before" },
    allowedLateness: milliseconds(0),
    lateTo: undefined,
    all: false,
  };
  return new WindowsBuilder(settings, false, then);
}

/** What `emit` means as a trigger; undefined: the assigner's own. */
function emitTrigger(
  emit: WindowOptions["emit"] = "results",
  { time: closesBy }: WindowAssignerSpec,
): TriggerSpec | undefined {
  if (emit === "results") return undefined;
  if (emit === "updates") return { kind: "each" };
  const { every, time = closesBy === "none" ? "processing" : closesBy } = emit;
  requireLength(every, "The interval of updates");
  requireTime(time, "updates");
  if (time === "event" && closesBy === "processing")
    throw wrong("Windows in processing time give their updates in processing time.");
  return { kind: "throttled", every, time };
}

class WindowsBuilder {
  readonly #settings: Settings;
  /** The trigger is what `emit` asked for. */
  readonly #emits: boolean;
  readonly #then: Then;

  constructor(settings: Settings, emits: boolean, then: Then) {
    this.#settings = settings;
    this.#emits = emits;
    this.#then = then;
  }

  allowedLateness(allowedLateness: Duration): WindowsBuilder {
    this.#requireEventTime("allowedLateness");
    if (!(allowedLateness >= 0)) throw wrong(`allowedLateness must not be negative (${allowedLateness} ms).`);
    return this.#with({ allowedLateness });
  }

  lateTo(lateTo: AnyTopic): WindowsBuilder {
    this.#requireEventTime("lateTo");
    if (lateTo?.kind !== "topic") throw wrong("lateTo() takes a topic.");
    return this.#with({ lateTo });
  }

  trigger(trigger: TriggerSpec): WindowsBuilder {
    if (typeof trigger?.kind !== "string") throw wrong("trigger() takes a trigger, such as countTrigger(100).");
    if (this.#emits) throw wrong("Windows that have emit have their trigger by it; leave one of them out.");
    return this.#with({ trigger });
  }

  evictor(evictor: EvictorSpec): WindowsBuilder {
    if (typeof evictor?.kind !== "string") throw wrong("evictor() takes an evictor, such as countEvictor(100).");
    return this.#with({ evictor });
  }

  count(): unknown {
    return this.#close(countAll());
  }

  sum(by: AuthorFunction): unknown {
    return this.#close(sumOf(authorFunction(by, "sum")));
  }

  min(by: AuthorFunction): unknown {
    return this.#close(extremeOf("min", authorFunction(by, "min")));
  }

  max(by: AuthorFunction): unknown {
    return this.#close(extremeOf("max", authorFunction(by, "max")));
  }

  average(by: AuthorFunction): unknown {
    return this.#close(averageOf(authorFunction(by, "average")));
  }

  minBy(by: AuthorFunction): unknown {
    return this.#close(bestOf("minBy", authorFunction(by, "minBy")));
  }

  maxBy(by: AuthorFunction): unknown {
    return this.#close(bestOf("maxBy", authorFunction(by, "maxBy")));
  }

  reduce(fn: AuthorFunction): unknown {
    return this.#close(reduceBy(authorFunction(fn, "reduce")));
  }

  topN(n: number, by: AuthorFunction): unknown {
    return this.#close(topOf(n, authorFunction(by, "topN")));
  }

  topKeys(n: number, build: AuthorFunction, by: AuthorFunction, options?: Named): unknown {
    const perKey = this.#toNode(toAggregatorSpec(authorFunction(build, "topKeys")));
    const updates = this.#emits ? this.#settings.trigger : undefined;
    return this.#then(
      topKeysNode(perKey, { n, by: authorFunction(by, "topKeys"), name: options?.name, updates }),
      "stream",
    );
  }

  collect(): unknown {
    return this.#close(collectAll());
  }

  aggregate(build: AuthorFunction): unknown {
    return this.#close(toAggregatorSpec(authorFunction(build, "aggregate")));
  }

  aggregateAndProcess(build: AuthorFunction, fn: AuthorFunction, options?: AnyProcessOptions): unknown {
    const aggregator = toAggregatorSpec(authorFunction(build, "aggregateAndProcess"));
    const process = authorFunction(fn, "aggregateAndProcess");
    if (options !== undefined) return this.#close(aggregator, this.#toFunction(process, options));
    // Without state the windows stay those that cost least.
    return this.#then({
      kind: "flatMap",
      method: "aggregateAndProcess",
      input: this.#toNode(aggregator),
      name: undefined,
      fn: ({ key, value, window }: WindowResult<unknown, unknown, unknown>, ctx: Ctx) =>
        process(value, { ...ctx, key, window }),
    });
  }

  process(fn: AuthorFunction, options: AnyProcessOptions = {}): unknown {
    return this.#close(undefined, this.#toFunction(authorFunction(fn, "process"), options));
  }

  #toFunction(fn: AuthorFunction, options: AnyProcessOptions): WindowFunctionSpec {
    const { order = "arrival", clear } = options;
    if (order !== "arrival" && order !== "event-time")
      throw wrong(`The order of a window's elements is "arrival" or "event-time", not ${JSON.stringify(order)}.`);
    const windowStates = toStates(options.windowState, "The windowState of process()");
    if (windowStates.length > 0 && isMerging(this.#settings.assigner))
      throw wrong(
        "Windows that merge cannot have state of their own: nobody could say what becomes of it when two become one. Use globalState, which is that of the key.",
      );
    for (const { name, spec } of windowStates)
      if (spec.ttlMs !== undefined)
        throw wrong(`The state "${name}" is that of a window and is dropped with it; leave its ttl out.`);
    return {
      fn,
      order,
      windowStates,
      globalStates: toStates(options.globalState, "The globalState of process()"),
      clear: clear === undefined ? undefined : authorFunction(clear, "clear").bind(options),
    };
  }

  #with(change: Partial<Settings>): WindowsBuilder {
    return new WindowsBuilder({ ...this.#settings, ...change }, this.#emits, this.#then);
  }

  #close(aggregator: AggregatorSpec | undefined, process?: WindowNode["process"]): unknown {
    return this.#then(this.#toNode(aggregator, process));
  }

  #toNode(aggregator: AggregatorSpec | undefined, process?: WindowNode["process"]): WindowNode {
    const { assigner, trigger, evictor } = this.#settings;
    if (assigner.kind === "global" && trigger === undefined)
      throw wrong("A global window never ends, so it gives no result without a trigger; add .trigger(…).");
    if (isMerging(assigner)) {
      if (trigger !== undefined && !canMerge(trigger))
        throw wrong(
          `Windows that merge cannot have a ${trigger.kind} trigger${trigger.kind === "custom" ? " without onMerge" : ""}.`,
        );
      if (aggregator !== undefined && aggregator.merge === undefined && evictor === undefined)
        throw wrong("Windows that merge need aggregates that can be merged: give on.custom() a merge.");
    }
    return { ...this.#settings, aggregator, process };
  }

  #requireEventTime(method: string): void {
    const { time } = this.#settings.assigner;
    if (time === "processing")
      throw wrong(`${method} is for windows in event time; in processing time nothing is late.`);
    if (time === "none") throw wrong(`${method} is for windows in event time; for a global window nothing is late.`);
  }
}

function isMerging(assigner: WindowAssignerSpec): boolean {
  return assigner.kind === "session" || (assigner.kind === "custom" && assigner.merging);
}

function wrong(sentence: string): MillraceError {
  return new MillraceError("definition", sentence);
}
