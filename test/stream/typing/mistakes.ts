/** Mistakes that must not compile, each with the first line of what the compiler says about it. */

export type Mistake = {
  readonly title: string;
  readonly code: string;
  readonly error: string;
};

export const MISTAKES: readonly Mistake[] = [
  {
    title: "an async map",
    code: `stream(lines).map(async (line) => line.length)`,
    error:
      "TS2322: Type 'Promise<number>' is not assignable to type 'Promise<number> & Mistake<\"this function must not be async: use mapAsync\">'.",
  },
  {
    title: "an async peek",
    code: `stream(lines).peek(async (line) => console.log(line))`,
    error:
      "TS2322: Type 'Promise<void>' is not assignable to type 'Promise<void> & Mistake<\"this function must not be async: use mapAsync\">'.",
  },
  {
    title: "an async filter",
    code: `stream(lines).filter(async (line) => line !== "")`,
    error: "TS2322: Type 'Promise<boolean>' is not assignable to type 'boolean'.",
  },
  {
    title: "an async flatMap",
    code: `stream(lines).flatMap(async (line) => [line])`,
    error:
      "TS2322: Type 'Promise<string[]>' is not assignable to type 'Promise<string[]> & Mistake<\"this function must not be async: use mapAsync\">'.",
  },
  {
    title: "a flatMap that returns a string",
    code: `stream(lines).flatMap((line) => line.trim())`,
    error:
      "TS2322: Type 'string' is not assignable to type 'string & Mistake<\"a string would become its characters: return it in an array\">'.",
  },
  {
    title: "a flatMap that returns nothing for nothing",
    code: `stream(lines).flatMap((line) => (line === "" ? undefined : [line]))`,
    error:
      "TS2322: Type 'string[] | undefined' is not assignable to type 'string[] & Mistake<\"return an array or another iterable, empty for nothing\">'.",
  },
  {
    title: "a filter that returns no boolean",
    code: `stream(access).filter((a) => a.user)`,
    error: "TS2322: Type 'string | undefined' is not assignable to type 'boolean'.",
  },
  {
    title: "a misspelt property",
    code: `stream(access).map((a) => a.uri)`,
    error:
      "TS2339: Property 'uri' does not exist on type '{ at: number; url: string; status: number; ms: number; user?: string | undefined; }'.",
  },
  {
    title: "a date across a keyBy",
    code: `stream(access).map((a) => ({ ...a, at: new Date(a.at) })).keyBy((a) => a.url)`,
    error:
      "TS2741: Property 'mistake' is missing in type 'Stream<{ url: string; status: number; ms: number; user?: string | undefined; at: Date; }, string>' but required in type 'Mistake<\".at cannot cross a keyBy; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)\">'.",
  },
  {
    title: "a map in a list across a keyBy",
    code: `stream(access).map((a) => ({ tags: [{ seen: new Map([[a.url, 1]]) }] })).keyBy(() => 1)`,
    error:
      "TS2741: Property 'mistake' is missing in type 'Stream<{ tags: { seen: Map<string, number>; }[]; }, string>' but required in type 'Mistake<\".tags[].seen cannot cross a keyBy; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)\">'.",
  },
  {
    title: "a promise across a keyBy",
    code: `stream(lines).map((line) => ({ line, later: Promise.resolve(1) })).keyBy((e) => e.line)`,
    error:
      "TS2741: Property 'mistake' is missing in type 'Stream<{ line: string; later: Promise<number>; }, null>' but required in type 'Mistake<\".later cannot cross a keyBy; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)\">'.",
  },
  {
    title: "a method across a keyBy",
    code: `stream(access).map((a) => ({ url: () => a.url })).keyBy((a) => a.url())`,
    error:
      "TS2741: Property 'mistake' is missing in type 'Stream<{ url: () => string; }, string>' but required in type 'Mistake<\".url cannot cross a keyBy; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)\">'.",
  },
  {
    title: "a date kept by reduce",
    code: `stream(access).keyBy((a) => a.url).map((a) => new Date(a.at)).reduce((a) => a)`,
    error:
      "TS2741: Property 'mistake' is missing in type 'KeyedStream<Date, string>' but required in type 'Mistake<\"the element cannot be kept in state; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)\">'.",
  },
  {
    title: "a date kept by a window's reduce",
    code: `stream(access).keyBy((a) => a.url).map((a) => new Date(a.at)).window(tumbling(seconds(5))).reduce((a) => a)`,
    error:
      "TS2741: Property 'mistake' is missing in type 'Windowed<Date, string, TimeWindow>' but required in type 'Mistake<\"the element cannot be kept in state; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)\">'.",
  },
  {
    title: "a date kept by an aggregate",
    code: `stream(access).keyBy((a) => a.url).map((a) => new Date(a.at)).aggregate((on) => on.last())`,
    error:
      "TS2741: Property 'mistake' is missing in type 'On<Date>' but required in type 'Mistake<\"the element cannot be kept in state; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)\">'.",
  },
  {
    title: "a date collected",
    code: `stream(access).keyBy((a) => a.url).aggregate((on) => on.collect((a) => new Date(a.at)))`,
    error:
      "TS2345: Argument of type '(a: { at: number; url: string; status: number; ms: number; user?: string | undefined; }) => Date' is not assignable to parameter of type '(value: { at: number; url: string; status: number; ms: number; user?: string | undefined; }) => Date & Mistake<\"the element cannot be kept in state; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)\">'.",
  },
  {
    title: "an undefined key",
    code: `stream(access).keyBy((a) => a.user)`,
    error: "TS2322: Type 'string | undefined' is not assignable to type 'Key | null'.",
  },
  {
    title: "an object as a key",
    code: `stream(orders).keyBy((o) => ({ tenant: o.tenant, id: o.id }))`,
    error: "TS2322: Type '{ readonly tenant: string; readonly id: string; }' is not assignable to type 'Key | null'.",
  },
  {
    title: "a tuple in a tuple as a key",
    code: `stream(orders).keyBy((o) => [[o.tenant], o.id])`,
    error: "TS2322: Type '[string]' is not assignable to type 'KeyPart'.",
  },
  {
    title: "an async key",
    code: `stream(lines).keyBy(async (line) => line)`,
    error: "TS2322: Type 'Promise<string>' is not assignable to type 'Key | null'.",
  },
  {
    title: "a window without a keyBy",
    code: `stream(lines).window(tumbling(seconds(5)))`,
    error: "TS2339: Property 'window' does not exist on type 'Stream<string, null>'.",
  },
  {
    title: "a count without a keyBy",
    code: `stream(lines).count()`,
    error: "TS2339: Property 'count' does not exist on type 'Stream<string, null>'.",
  },
  {
    title: "a count after a union, which has no key",
    code: `stream(lines).keyBy((l) => l).union(stream(lines)).count()`,
    error: "TS2339: Property 'count' does not exist on type 'Stream<string, string | null>'.",
  },
  {
    title: "a map as an accumulator",
    code: `stream(lines).keyBy((l) => l).aggregate((on) => on.custom({ create: () => ({ seen: new Map<string, number>() }), add: (a) => a, result: () => 1 }))`,
    error:
      "TS2322: Type '{ seen: Map<string, number>; }' is not assignable to type '{ seen: Map<string, number>; } & Mistake<\".seen cannot be kept in state; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)\">'.",
  },
  {
    title: "the key of a topic without keys",
    code: `stream(lines).keyedByTopicKey()`,
    error:
      "TS2741: Property 'mistake' is missing in type 'Stream<string, null>' but required in type 'Mistake<\"keyedByTopicKey needs a topic with a key format\">'.",
  },
  {
    title: "a window of a number",
    code: `stream(lines).keyBy((l) => l).window(tumbling(5000))`,
    error: "TS2345: Argument of type 'number' is not assignable to parameter of type 'Duration'.",
  },
  {
    title: "a window that is never closed",
    code: `stream(lines).keyBy((l) => l).window(tumbling(seconds(5))).to(lines)`,
    error: "TS2339: Property 'to' does not exist on type 'Windowed<string, string, TimeWindow>'.",
  },
  {
    title: "lateness as a number",
    code: `stream(lines).keyBy((l) => l).window(tumbling(seconds(5))).allowedLateness(60 * 1000)`,
    error: "TS2345: Argument of type 'number' is not assignable to parameter of type 'Duration'.",
  },
  {
    title: "late elements to a topic of something else",
    code: `stream(access).keyBy((a) => a.url).window(tumbling(seconds(5))).lateTo(orders)`,
    error:
      "TS2345: Argument of type 'Topic<Order, Order, string, string>' is not assignable to parameter of type 'Topic<{ at: number; url: string; status: number; ms: number; user?: string | undefined; }, unknown, string, unknown>'.",
  },
  {
    title: "a sum of strings",
    code: `stream(access).keyBy((a) => a.url).sum((a) => a.url)`,
    error: "TS2322: Type 'string' is not assignable to type 'number'.",
  },
  {
    title: "an async reduce",
    code: `stream(lines).keyBy((l) => l).reduce(async (a, b) => a + b)`,
    error: "TS2322: Type 'Promise<string>' is not assignable to type 'string'.",
  },
  {
    title: "an aggregate of a plain number",
    code: `stream(lines).keyBy((l) => l).aggregate((on) => ({ count: 5 }))`,
    error: "TS2322: Type 'number' is not assignable to type 'Aggregator<never, unknown>'.",
  },
  {
    title: "a stream into a topic of something else",
    code: `stream(lines).map((line) => line.length).to(wordCounts)`,
    error:
      "TS2345: Argument of type 'Topic<{ readonly word: string; readonly count: number; readonly windowStartMs: number; }, { readonly word: string; readonly count: number; readonly windowStartMs: number; }, string, string>' is not assignable to parameter of type 'Writer<number, null>'.",
  },
  {
    title: "a literal that was widened",
    code: `stream(orders).map((o) => ({ kind: "a", n: 1 })).to(kinds)`,
    error:
      'TS2345: Argument of type \'Topic<{ readonly kind: "a" | "b"; readonly n: number; }, { readonly kind: "a" | "b"; readonly n: number; }, string, string>\' is not assignable to parameter of type \'Writer<{ kind: string; n: number; }, string>\'.',
  },
  {
    title: "a wrong literal in from",
    code: `stream(orders).to(kinds.from((o) => ({ kind: "c", n: 1 })))`,
    error: 'TS2322: Type \'"c"\' is not assignable to type \'"a" | "b"\'.',
  },
  {
    title: "a missing property in from",
    code: `stream(orders).to(kinds.from((o) => ({ kind: "a" })))`,
    error:
      "TS2741: Property 'n' is missing in type '{ kind: \"a\"; }' but required in type '{ readonly kind: \"a\" | \"b\"; readonly n: number; }'.",
  },
  {
    title: "no key into a topic with keys",
    code: `stream(lines).map((line) => ({ kind: "a" as const, n: 1 })).to(kinds)`,
    error:
      'TS2345: Argument of type \'Topic<{ readonly kind: "a" | "b"; readonly n: number; }, { readonly kind: "a" | "b"; readonly n: number; }, string, string>\' is not assignable to parameter of type \'Writer<{ kind: "a"; n: number; }, null>\'.',
  },
  {
    title: "a key of another type",
    code: `stream(orders).keyBy((o) => o.id.length).to(orders)`,
    error:
      "TS2345: Argument of type 'Topic<Order, Order, string, string>' is not assignable to parameter of type 'Writer<Order, number>'.",
  },
  {
    title: "a wrong key in record",
    code: `stream(orders).to(orders.record({ value: (o) => o, key: (o) => 5 }))`,
    error: "TS2322: Type '(o: Order) => number' is not assignable to type '(element: Order) => string'.",
  },
  {
    title: "headers that are numbers",
    code: `stream(orders).to(orders.record({ value: (o) => o, headers: (o) => ({ n: 5 }) }))`,
    error:
      "TS2322: Type '(o: Order) => { n: number; }' is not assignable to type '(element: Order) => Readonly<Record<string, string>>'.",
  },
  {
    title: "a property that record does not know",
    code: `stream(orders).to(orders.record({ value: (o) => o, partition: () => 5 }))`,
    error:
      "TS2353: Object literal may only specify known properties, and 'partition' does not exist in type 'RecordSpec<Order, Order, string> & Readonly<Record<keyof RecordSpec<T, In, KeyIn>, unknown>>'.",
  },
  {
    title: "a null value into a topic that is not compacted",
    code: `stream(latest).to(orders)`,
    error:
      "TS2345: Argument of type 'Topic<Order, Order, string, string>' is not assignable to parameter of type 'Writer<Order | null, string>'.",
  },
  {
    title: "a union of different types",
    code: `stream(lines).union(stream(orders))`,
    error:
      "TS2345: Argument of type 'Stream<Order, string>' is not assignable to parameter of type 'Elements<string, string>'.",
  },
  {
    title: "a branch called rest",
    code: `stream(lines).split({ rest: () => true })`,
    error: "TS2322: Type '() => boolean' is not assignable to type 'undefined'.",
  },
  {
    title: "a branch that is not there",
    code: `stream(lines).split({ short: (line) => line.length < 3 }).long`,
    error:
      "TS2339: Property 'long' does not exist on type 'SplitStreams<{ readonly short: (line: string) => boolean; }, string, null>'.",
  },
  {
    title: "an operator of a stream",
    code: `operator("a", stream(lines))`,
    error: "TS2345: Argument of type 'Stream<string, null>' is not assignable to parameter of type 'Sink'.",
  },
  {
    title: "an operator of a windowed stream",
    code: `operator("a", stream(lines).keyBy((l) => l).count())`,
    error:
      "TS2345: Argument of type 'KeyedStream<Result<string, number>, string>' is not assignable to parameter of type 'Sink'.",
  },
  {
    title: "a timestamp that is a date",
    code: `topic("t", { value: json<{ at: Date }>(), timestampOf: (t) => t.at })`,
    error:
      "TS2322: Type '(t: NoInfer<{ at: Date; }>) => Date' is not assignable to type '(value: NoInfer<{ at: Date; }>) => number'.",
  },
  {
    title: "a topic without a value format",
    code: `topic("t", { key: text() })`,
    error:
      "TS2741: Property 'value' is missing in type '{ key: Format<string, string>; }' but required in type 'TopicOptions<unknown, unknown, string, string, false>'.",
  },
  {
    title: "a schema that is none",
    code: `json({ type: "object" })`,
    error:
      "TS2353: Object literal may only specify known properties, and 'type' does not exist in type 'StandardSchemaV1<unknown, unknown>'.",
  },
  {
    title: "a schema of something else",
    code: `json<number>(Access)`,
    error: "TS2344: Type 'number' does not satisfy the constraint 'StandardSchemaV1<unknown, unknown>'.",
  },
  {
    title: "a stream of a name",
    code: `stream("lines")`,
    error:
      "TS2345: Argument of type 'string' is not assignable to parameter of type 'Topic<never, unknown, never, unknown>'.",
  },
  {
    title: "an idle time as a number",
    code: `boundedOutOfOrderness(seconds(5), { idleAfter: 30000 })`,
    error: "TS2322: Type 'number' is not assignable to type 'Duration'.",
  },
];
