/**
 * Cases as data: what a pipeline is made of, what happens to it, and what it must say. The format of the files of this folder, and of suites that others
 * bring: README.md beside this says it for people.
 */

import { z } from "zod";

const ms = z.number().int();

const time = z.enum(["event", "processing"]).optional();

const assigner = z.union([
  z.strictObject({ tumbling: ms, offset: ms.optional(), time }),
  z.strictObject({ sliding: ms, slide: ms, offset: ms.optional(), time }),
  z.strictObject({ session: z.union([ms, z.literal("of each element")]), time }),
  z.strictObject({ cumulative: ms, upTo: ms, offset: ms.optional(), time }),
  z.strictObject({ global: z.literal(true) }),
]);
export type CaseAssigner = z.infer<typeof assigner>;

export type CaseTrigger =
  | "event time"
  | "processing time"
  | { readonly count: number }
  | { readonly continuousEventTime: number }
  | { readonly continuousProcessingTime: number }
  | { readonly delta: number }
  | { readonly purging: CaseTrigger };

const trigger: z.ZodType<CaseTrigger> = z.union([
  z.literal("event time"),
  z.literal("processing time"),
  z.strictObject({ count: z.number() }),
  z.strictObject({ continuousEventTime: ms }),
  z.strictObject({ continuousProcessingTime: ms }),
  z.strictObject({ delta: z.number() }),
  z.lazy(() => z.strictObject({ purging: trigger })),
]);

const when = z.enum(["before", "after"]).optional();

const evictor = z.union([
  z.strictObject({ count: z.number(), when }),
  z.strictObject({ time: ms, when }),
  z.strictObject({ delta: z.number(), when }),
]);
export type CaseEvictor = z.infer<typeof evictor>;

const aggregate = z.enum(["count", "sum", "min", "max", "average", "minBy", "maxBy", "first", "last", "collect"]);
export type CaseAggregate = z.infer<typeof aggregate>;

/** What a pipeline does between its input and its results. */
const pipeline = z.union([
  z.strictObject({
    window: assigner,
    trigger: trigger.optional(),
    evictor: evictor.optional(),
    allowedLateness: ms.optional(),
    /** Late elements go to a topic, where `late` of an expectation sees them; otherwise they are counted. */
    late: z.literal("kept").optional(),
    emit: z.union([z.literal("updates"), z.strictObject({ every: ms, time })]).optional(),
    /** Over all elements, whatever their keys. */
    all: z.boolean().optional(),
    result: z.union([
      aggregate,
      z.literal("process"),
      z.literal("process in event-time order"),
      z.literal("aggregate and process"),
    ]),
  }),
  z.strictObject({ countWindow: z.number(), every: z.number().optional(), result: aggregate }),
  z.strictObject({ rolling: aggregate }),
  z.strictObject({ deduplicate: z.strictObject({ ttl: ms.optional() }) }),
  z.strictObject({
    intervalJoin: z.tuple([ms, ms]),
    lowerInclusive: z.boolean().optional(),
    upperInclusive: z.boolean().optional(),
    late: z.literal("kept").optional(),
  }),
  z.strictObject({ windowJoin: assigner, allowedLateness: ms.optional(), late: z.literal("kept").optional() }),
  z.strictObject({ coGroup: assigner, allowedLateness: ms.optional(), late: z.literal("kept").optional() }),
  z.strictObject({ tableJoin: z.enum(["inner", "left"]) }),
  /** A process function whose elements say what it does: see `command`. */
  z.strictObject({ commands: z.strictObject({ ttl: ms.optional(), refreshOnRead: z.boolean().optional() }) }),
]);
export type CasePipeline = z.infer<typeof pipeline>;

/** What an element tells the process function of `commands` to do, in this order; and what it does when one of its timers fires is to say so. */
const command = z.strictObject({
  setEventTimer: ms.optional(),
  setProcessingTimer: ms.optional(),
  deleteEventTimer: ms.optional(),
  deleteProcessingTimer: ms.optional(),
  put: z.string().optional(),
  clear: z.literal(true).optional(),
  get: z.literal(true).optional(),
});
export type Command = z.infer<typeof command>;

/** Key, value, timestamp. A value of null deletes from a table. A number, or what `commands` and `"of each element"` ask for. */
const element = z.tuple([
  z.string(),
  z.union([z.number(), z.null(), z.strictObject({ value: z.number(), gap: ms }), command]),
  ms,
]);
export type CaseElement = z.infer<typeof element>;

const result = z.strictObject({
  key: z.string().nullable(),
  value: z.unknown(),
  /** Its timestamp. */
  at: ms.optional(),
  /** Start and end. */
  window: z.tuple([ms, ms]).optional(),
});
export type CaseResult = z.infer<typeof result>;

const step = z.union([
  z.strictObject({ send: z.array(element), to: z.enum(["left", "right"]).optional(), partition: ms.optional() }),
  /** The watermark of all inputs, or of one, reaches this; "end": the input is over. */
  z.strictObject({ watermark: z.union([ms, z.literal("end")]) }),
  /** The clock reaches this. */
  z.strictObject({ clock: ms }),
  /** Everything but the log is forgotten. */
  z.strictObject({ restart: z.literal(true) }),
  /** All that came since the last expectation; in this order, or in any. */
  z.strictObject({ expect: z.array(result), inAnyOrder: z.boolean().optional() }),
  /** The late elements since the last such step: those that were kept, or how many were dropped. */
  z.strictObject({ expectLate: z.union([z.array(element), z.number()]) }),
  /** Nothing is kept any more. */
  z.strictObject({ expectState: z.literal("empty") }),
]);
export type CaseStep = z.infer<typeof step>;

const oneCase = z.strictObject({
  name: z.string(),
  pipeline,
  /** Partitions of the input. Default 1. */
  partitions: z.number().int().positive().optional(),
  /** How far elements may be out of order. Default: time moves only where a step moves it. */
  outOfOrderness: ms.optional(),
  /** Where the clock stands at first, epoch milliseconds. Default 0. */
  startsAt: ms.optional(),
  steps: z.array(step),
});
export type Case = z.infer<typeof oneCase>;

export const suite = z.strictObject({
  /** Whose rules these are, and where they can be read. */
  about: z.string(),
  cases: z.array(oneCase),
});
