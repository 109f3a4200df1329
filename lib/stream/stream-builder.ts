/** The builder behind Stream and KeyedStream: every method adds a node. What types allow is said by their interfaces. */

import type { AggregatorSpec } from "./aggregate.ts";
import { toAggregatorSpec } from "./aggregators.ts";
import { reduceBy } from "./aggregators-collecting.ts";
import { averageOf, bestOf, countAll, extremeOf, sumOf } from "./aggregators-numeric.ts";
import { toAsyncSpec } from "./async-function.ts";
import { authorFunction } from "./author-function.ts";
import { BroadcastNodes, connectBroadcastOf, type ForwardOptions } from "./broadcast.ts";
import type { Named } from "./elements.ts";
import { MillraceError } from "./error.ts";
import { intervalJoinOf } from "./interval-joined.ts";
import type { Key } from "./key.ts";
import type { KeyByOptions, KeyedStream } from "./keyed-stream.ts";
import type { AuthorFunction, KeyByNode, Node, SinkNode, SplitNode } from "./node.ts";
import { type PatternOptions, patternOver } from "./pattern-matches.ts";
import { connectOf, deduplicateNode, processNode } from "./process.ts";
import { toSinkTarget } from "./sink-target.ts";
import type { Stream } from "./stream.ts";
import { type Table, tableJoinOf } from "./table.ts";
import { windowJoinOf } from "./window-joined.ts";
import type { WindowAssignerSpec } from "./window-spec.ts";
import type { WindowOptions } from "./windowed.ts";
import { countWindowsOver, windowsOver } from "./windows-builder.ts";

// biome-ignore lint/suspicious/noExplicitAny: whoever makes the stream knows what is in it.
export function streamOf(node: Node): Stream<any, any> {
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  return new StreamBuilder("stream", node) as unknown as Stream<any, any>;
}

/** Key groups of a keyBy that does not say otherwise, as in Flink. */
const MAX_PARALLELISM_DEFAULT = 128;
const MAX_PARALLELISM_MAX = 32_768;

class StreamBuilder {
  readonly kind: (Stream<unknown> | KeyedStream<unknown, unknown>)["kind"];
  readonly #node: Node;

  constructor(kind: StreamBuilder["kind"], node: Node) {
    this.kind = kind;
    this.#node = node;
  }

  map(fn: AuthorFunction, options?: Named): StreamBuilder {
    return this.#step("map", fn, options);
  }

  filter(fn: AuthorFunction, options?: Named): StreamBuilder {
    return this.#step("filter", fn, options);
  }

  flatMap(fn: AuthorFunction, options?: Named): StreamBuilder {
    return this.#step("flatMap", fn, options);
  }

  peek(fn: AuthorFunction, options?: Named): StreamBuilder {
    return this.#step("peek", fn, options);
  }

  mapAsync(fn: object, options: Named & { readonly combine?: AuthorFunction } = {}): StreamBuilder {
    const spec = toAsyncSpec(fn, "mapAsync");
    const { name, combine } = options;
    if (combine !== undefined) authorFunction(combine, "mapAsync");
    return this.#then({ kind: "mapAsync", input: this.#node, name, spec, client: spec.client, combine });
  }

  split(branches: Record<string, AuthorFunction>, options?: Named): Record<string, StreamBuilder> {
    if (Object.hasOwn(branches, "rest"))
      throw new MillraceError("definition", `split() keeps the name "rest" for what matches no predicate.`);
    const predicates = Object.entries(branches).map(([name, fn]) => ({ name, fn: authorFunction(fn, "split") }));
    const input: SplitNode = { kind: "split", input: this.#node, name: options?.name, predicates };
    const branch = (index: number) => this.#then({ kind: "branch", input, index });
    const named = predicates.map(({ name }, index) => [name, branch(index)] as const);
    return Object.fromEntries([...named, ["rest", branch(-1)]]);
  }

  union(...others: StreamBuilder[]): StreamBuilder {
    const inputs = [this.#node, ...others.map((other) => nodeOf(other, "union() takes streams."))];
    return new StreamBuilder("stream", { kind: "union", inputs });
  }

  keyBy(fn: AuthorFunction, options: KeyByOptions = {}): StreamBuilder {
    const { name, parallelism, maxParallelism = MAX_PARALLELISM_DEFAULT } = options;
    if (!isCount(maxParallelism, MAX_PARALLELISM_MAX) || (maxParallelism & (maxParallelism - 1)) !== 0)
      throw new MillraceError(
        "definition",
        `The maxParallelism of a keyBy is a power of two from 1 to ${MAX_PARALLELISM_MAX}, not ${maxParallelism}.`,
      );
    if (parallelism !== undefined && !isCount(parallelism, maxParallelism))
      throw new MillraceError(
        "definition",
        `The parallelism of a keyBy is a whole number from 1 to its maxParallelism (${maxParallelism}), not ${parallelism}.`,
      );
    const node: KeyByNode = {
      kind: "keyBy",
      input: this.#node,
      name,
      fn: authorFunction(fn, "keyBy"),
      sends: "by-key",
      parallelism,
      maxParallelism,
      function: options.function,
    };
    return new StreamBuilder("keyed-stream", node);
  }

  keyedByTopicKey(options?: Named): StreamBuilder {
    const node: KeyByNode = {
      kind: "keyBy",
      input: this.#node,
      name: options?.name,
      fn: undefined,
      sends: "by-key",
      parallelism: undefined,
      maxParallelism: MAX_PARALLELISM_DEFAULT,
      function: undefined,
    };
    return new StreamBuilder("keyed-stream", node);
  }

  window(assigner: WindowAssignerSpec, options: WindowOptions = {}): unknown {
    return windowsOver(
      { input: this.#node, assigner, options, all: false },
      (node, kind) => new StreamBuilder(kind ?? this.kind, node),
    );
  }

  countWindow(n: number, every?: number, options?: Named): unknown {
    return countWindowsOver(this.#node, n, every, options, (node) => this.#then(node));
  }

  windowAll(assigner: WindowAssignerSpec, options: WindowOptions = {}): unknown {
    const input: KeyByNode = {
      kind: "keyBy",
      input: this.#node,
      name: options.name ?? "all",
      // All elements have one key, which authors do not get to see.
      fn: () => "",
      sends: "by-key",
      parallelism: 1,
      maxParallelism: MAX_PARALLELISM_DEFAULT,
      function: undefined,
    };
    return windowsOver({ input, assigner, options, all: true }, (node) => new StreamBuilder("stream", node));
  }

  intervalJoin(other: StreamBuilder): unknown {
    const right = keyedNodeOf(other, "intervalJoin() takes a keyed stream; put a keyBy before it.");
    return intervalJoinOf(this.#node, right, (node) => this.#then(node));
  }

  broadcast(): BroadcastNodes {
    return new BroadcastNodes(this.#node, "stream");
  }

  connect(other: StreamBuilder | BroadcastNodes, options: ForwardOptions = {}): unknown {
    if (other instanceof BroadcastNodes)
      return connectBroadcastOf({ node: this.#node, isKeyed: this.kind === "keyed-stream" }, other, options, (node) =>
        this.#then(node),
      );
    const right = keyedNodeOf(
      other,
      "connect() takes a keyed stream, or one that is broadcast; put a keyBy before it.",
    );
    return connectOf(this.#node, right, (node) => this.#then(node));
  }

  join(other: StreamBuilder | Table<unknown, Key>): unknown {
    const then = (node: Node) => this.#then(node);
    if (other?.kind === "table") return tableJoinOf("inner", this.#node, other, then);
    const sentence = "join() takes a keyed stream or a table; put a keyBy before it.";
    return windowJoinOf("pairs", this.#node, keyedNodeOf(other as StreamBuilder, sentence), then);
  }

  coGroup(other: StreamBuilder): unknown {
    const right = keyedNodeOf(other, "coGroup() takes a keyed stream; put a keyBy before it.");
    return windowJoinOf("groups", this.#node, right, (node) => this.#then(node));
  }

  leftJoin(table: Table<unknown, Key>): unknown {
    return tableJoinOf("left", this.#node, table, (node) => this.#then(node));
  }

  count(options?: Named): StreamBuilder {
    return this.#rolling("count", countAll(), options);
  }

  sum(by: AuthorFunction, options?: Named): StreamBuilder {
    return this.#rolling("sum", sumOf(authorFunction(by, "sum")), options);
  }

  min(by: AuthorFunction, options?: Named): StreamBuilder {
    return this.#rolling("min", extremeOf("min", authorFunction(by, "min")), options);
  }

  max(by: AuthorFunction, options?: Named): StreamBuilder {
    return this.#rolling("max", extremeOf("max", authorFunction(by, "max")), options);
  }

  average(by: AuthorFunction, options?: Named): StreamBuilder {
    return this.#rolling("average", averageOf(authorFunction(by, "average")), options);
  }

  minBy(by: AuthorFunction, options?: Named): StreamBuilder {
    return this.#rolling("minBy", bestOf("minBy", authorFunction(by, "minBy")), options);
  }

  maxBy(by: AuthorFunction, options?: Named): StreamBuilder {
    return this.#rolling("maxBy", bestOf("maxBy", authorFunction(by, "maxBy")), options);
  }

  reduce(fn: AuthorFunction, options?: Named): StreamBuilder {
    return this.#rolling("reduce", reduceBy(authorFunction(fn, "reduce")), options);
  }

  aggregate(build: AuthorFunction, options?: Named): StreamBuilder {
    return this.#rolling("aggregate", toAggregatorSpec(authorFunction(build, "aggregate")), options);
  }

  process(spec: object, options?: Named): StreamBuilder {
    return this.#then(processNode(this.#node, spec, options?.name));
  }

  pattern(build: AuthorFunction, options: PatternOptions = {}): unknown {
    return patternOver(this.#node, build, options, (node) => this.#then(node));
  }

  deduplicate(options: object = {}): StreamBuilder {
    return this.#then(deduplicateNode(this.#node, options));
  }

  to(target: Parameters<typeof toSinkTarget>[0], options?: Named): SinkNode {
    return { kind: "sink", input: this.#node, target: toSinkTarget(target), name: options?.name };
  }

  /** The node of what may be a stream; throws a MillraceError "definition" with `sentence` where it is none. */
  static nodeOf(builder: StreamBuilder, sentence: string): Node {
    if (typeof builder !== "object" || builder === null || !(#node in builder))
      throw new MillraceError("definition", sentence);
    return builder.#node;
  }

  #step(kind: "map" | "filter" | "flatMap" | "peek", fn: AuthorFunction, options: Named | undefined): StreamBuilder {
    return this.#then({ kind, input: this.#node, name: options?.name, fn: authorFunction(fn, kind) });
  }

  #rolling(method: string, aggregator: AggregatorSpec, options: Named | undefined): StreamBuilder {
    return this.#then({ kind: "rolling", input: this.#node, name: options?.name, aggregator, method });
  }

  #then(node: Node): StreamBuilder {
    return new StreamBuilder(this.kind, node);
  }
}

const { nodeOf } = StreamBuilder;

/** The node of the other side of a step with two inputs. */
function keyedNodeOf(other: StreamBuilder, sentence: string): Node {
  const node = nodeOf(other, sentence);
  if (other.kind !== "keyed-stream") throw new MillraceError("definition", sentence);
  return node;
}

function isCount(n: number, max: number): boolean {
  return Number.isSafeInteger(n) && n >= 1 && n <= max;
}
