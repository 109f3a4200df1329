/**
 * An execution environment on simulated servers: production code with its own clients and warm cache. It may crash, be frozen, and be given up; what it
 * has asked for by then may still reach the servers.
 */

import type { Host } from "../runtime/host.ts";
import type { FunctionPlan, Topology } from "../stream/plan.ts";
import type { Chance } from "./chance.ts";
import type { Holds } from "./holds.ts";
import { type Network, NetworkError } from "./network.ts";
import type { SimulatedDynamoDb } from "./simulated-dynamodb.ts";
import type { SimulatedKafka } from "./simulated-kafka.ts";
import type { SimulatedS3 } from "./simulated-s3.ts";
import type { Timeline } from "./timeline.ts";
import type { Production } from "./variants.ts";
import { inputTopicsOf } from "./verdict.ts";
import type { Witness } from "./witness.ts";

/** What all environments share. */
export type Surroundings = {
  /** Of the code. */
  readonly version: 0 | 1;
  /** Of its function, when it was made. */
  readonly generation: number;
  readonly production: Production;
  readonly topology: Topology;
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly holds: Holds;
  readonly kafka: SimulatedKafka;
  readonly dynamodb: SimulatedDynamoDb;
  /** Where large chunks lie; undefined: in the table. */
  readonly s3: SimulatedS3 | undefined;
  readonly witness: Witness;
  readonly wake: Host["wake"];
};

export const TABLE = "simulated";
export const BUCKET = "simulated";

type Times = readonly (readonly [name: RegExp, times: number])[];

/** What is known of a call by its name. */
type CallKind = {
  readonly name: string;
  /** How much oftener than others it goes wrong. */
  readonly times: number;
  /** How much oftener it is held up. */
  readonly heldTimes: number;
  /** What it is counted as. */
  readonly counted: string;
};

const TRAVEL_MS_MAX = 4;
const SLOW_MS = { least: 10, most: 20_000 };
/** How much oftener than others calls go wrong that few invocations make: in no run would they else. The first that fits counts. */
const RARE: Times = [
  [/^S3 (Delete|List)|parts, once more|DeleteItem|GetItem chunk/, 60],
  [/once more|chunk|parts|listing|generation|^S3|^Kafka (?!Produce|Fetch|ListOffsets|Metadata|ApiVersions)/, 5],
];
/** How much oftener calls are held up: reads of a log above all, between the moments and pages of which others are to write. */
const HELD: Times = [[/once more/, 20], [/Query entry$/, 5], ...RARE];
const SKEW_MS_MAX = 2_000;
const JUMP_MS_MAX = 60_000;

export class Environment {
  readonly plan: FunctionPlan;
  readonly host: Host;
  /** Invocations that have not ended, zombies among them. */
  #running = 0;
  readonly #name: string;
  #invocations = 0;
  /** What the present one is called. */
  #invocation = "";
  /** How far the partitions of its sources reached when the present invocation began. */
  #inputEnds: ReadonlyMap<string, number> = new Map();
  #isDead = false;
  #frozenUntilMs = 0;
  #skewMs: number;
  #attempts = 0;
  readonly #end = Promise.withResolvers<void>();
  readonly #around: Surroundings;

  constructor(name: string, plan: FunctionPlan, around: Surroundings) {
    const { production, timeline, kafka, dynamodb, topology, chance, witness } = around;
    this.plan = plan;
    this.#name = name;
    this.#around = around;
    this.#skewMs = chance.draw.below(2 * SKEW_MS_MAX) - SKEW_MS_MAX;
    const timers = {
      now: () => timeline.now(),
      after: (ms: number, work: () => void) =>
        timeline.after(ms, () => {
          if (!this.#isDead) work();
        }),
    };
    const broker = new production.KafkaBroker(
      { brokers: kafka.addresses },
      production.simulatedOutside(kafka, this.#network("Kafka"), timers),
    );
    const newAttemptId = () => `${name}-${++this.#attempts}`;
    const client = dynamodb.client(this.#network("DynamoDB"));
    const stateLog = stateLogOf(production, client, around.s3?.client(this.#network("S3")), { newAttemptId });
    const putEntry = stateLog.putEntry.bind(stateLog);
    stateLog.putEntry = (task, entry) => {
      witness.attempt(task, entry, this.#inputEnds.get(task.split("/")[2] as string));
      return putEntry(task, entry);
    };
    this.host = {
      topology,
      broker,
      stateLog,
      now: () => timeline.now() + this.#skewMs,
      newAttemptId,
      wake: (...wish) => {
        if (!this.#isDead) around.wake(...wish);
      },
      report: () => {},
      strict: false,
    };
  }

  /** Ends when the environment dies. */
  get death(): Promise<void> {
    return this.#end.promise;
  }

  get version(): 0 | 1 {
    return this.#around.version;
  }

  get generation(): number {
    return this.#around.generation;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Whether another invocation may be given to it. */
  get isFree(): boolean {
    return !this.#isDead && this.#running === 0;
  }

  /** An invocation begins. */
  begin(): void {
    this.#running += 1;
    this.#invocations += 1;
    this.#invocation = `${this.#name} ${this.#invocations}`;
    if (this.plan.shuffle === undefined && this.plan.commits) this.#inputEnds = this.#readInputEnds();
  }

  /** One has ended. */
  end(): void {
    this.#running -= 1;
  }

  crash(): void {
    this.#isDead = true;
    this.#end.resolve();
  }

  /** Nothing of it goes on for a while. */
  freeze(ms: number): void {
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.#around.timeline.now() + ms);
  }

  jumpClock(): void {
    this.#skewMs += this.#around.chance.draw.below(2 * JUMP_MS_MAX) - JUMP_MS_MAX;
  }

  #readInputEnds(): ReadonlyMap<string, number> {
    const { kafka } = this.#around;
    const ends = new Map<string, number>();
    for (const { topic, partitions } of inputTopicsOf(this.plan))
      for (let partition = 0; partition < partitions; partition += 1)
        ends.set(`${topic}-${partition}`, kafka.lastStableOffset(topic, partition));
    return ends;
  }

  #network(server: string): Network {
    const kinds = kindsOf(server);
    return {
      call: (name, serve, deadlineMs, about) => this.#call(kinds(name), serve, deadlineMs, about),
      occurs: (fault) => this.#around.chance.occurs(fault as Parameters<Chance["occurs"]>[0]),
      below: (n) => this.#around.chance.draw.below(n),
    };
  }

  #call<T>(kind: CallKind, serve: () => T, deadlineMs: number | undefined, about: string | undefined): Promise<T> {
    const { name, times, heldTimes, counted } = kind;
    const { chance, timeline, holds } = this.#around;
    const endMs = timeline.now() + (deadlineMs ?? 0);
    const by = this.#invocation;
    return new Promise((resolve, reject) => {
      // Whoever is dead asks nobody, and is never told.
      if (this.#isDead) return;
      chance.count(counted);
      const crash = (when: string) => {
        chance.count(`${when}: ${name}`);
        this.crash();
      };
      if (chance.occurs("crash-before", times)) return crash("crash-before");
      const lost = () => this.#later(0, () => reject(new NetworkError(`${name} was not answered`)));
      const giveUp = () => {
        // Without a deadline the caller may wait for ever, or be told that its connection is gone.
        if (deadlineMs !== undefined) this.#later(endMs - timeline.now(), lost);
        else if (chance.draw.occurs(0.5)) this.#later(this.#travelMs(), lost);
      };
      if (chance.occurs("request-lost", times)) return giveUp();
      const isDying = chance.occurs("crash-during", times);
      const isLate = !isDying && chance.occurs("request-late", times);
      if (isLate) giveUp();
      const thereMs = this.#travelMs() + (isLate ? chance.draw.magnitude(SLOW_MS.least, SLOW_MS.most) : 0);
      if (deadlineMs !== undefined && !isLate && thereMs > deadlineMs) giveUp();
      const arrive = () => {
        let answer: () => void;
        try {
          const value = serve();
          answer = () => resolve(value);
        } catch (error) {
          answer = () => reject(error);
        }
        if (isLate || this.#isDead) return;
        if (chance.occurs("crash-after", times)) {
          crash("crash-after");
          return;
        }
        if (chance.occurs("answer-lost", times)) {
          giveUp();
          return;
        }
        const backMs = this.#travelMs();
        if (deadlineMs !== undefined && timeline.now() + backMs > endMs) giveUp();
        else this.#later(backMs, answer);
      };
      timeline.after(thereMs, () => {
        const request = { name, about, by, arrive };
        const isHeld = (holds.isStuck(request) || chance.occurs("held", heldTimes)) && holds.hold(request);
        // Whoever waits for it does not wait for ever.
        if (isHeld && deadlineMs !== undefined && !isLate) this.#later(endMs - timeline.now(), lost);
        if (!isHeld) holds.pass(request);
      });
      if (isDying) this.#later(thereMs / 2, () => crash("crash-during"));
    });
  }

  /** Lets something happen in this environment, when it is not frozen, unless it is dead by then. */
  #later(ms: number, work: () => void): void {
    const { timeline } = this.#around;
    timeline.after(ms, () => {
      if (this.#isDead) return;
      const frozenMs = this.#frozenUntilMs - timeline.now();
      if (frozenMs > 0) this.#later(frozenMs, work);
      else work();
    });
  }

  #travelMs(): number {
    const { chance } = this.#around;
    if (chance.occurs("slow")) return chance.draw.magnitude(SLOW_MS.least, SLOW_MS.most);
    return 1 + chance.draw.below(TRAVEL_MS_MAX);
  }
}

/** The state logs of a world, as the production code sees them through these clients. */
export function stateLogOf(
  production: Production,
  client: ReturnType<SimulatedDynamoDb["client"]>,
  s3: ReturnType<SimulatedS3["client"]> | undefined,
  options: { readonly newAttemptId?: () => string } = {},
): InstanceType<Production["DynamoDbStateLog"]> {
  const table = new production.DynamoDbTable({ table: TABLE, client });
  if (s3 === undefined) return new production.DynamoDbStateLog(table, options);
  const chunkBlobs = new production.S3BlobStore({ bucket: BUCKET, client: s3 });
  return new production.DynamoDbStateLog(table, { ...options, chunkBlobs });
}

const KINDS = new Map<string, Map<string, CallKind>>();

/** Says of calls of a server what is known of them: looked up once. */
function kindsOf(server: string): (name: string) => CallKind {
  let known = KINDS.get(server);
  if (known === undefined) {
    known = new Map();
    KINDS.set(server, known);
  }
  const kinds = known;
  return (called) => {
    let kind = kinds.get(called);
    if (kind === undefined) {
      const name = `${server} ${called}`;
      kind = { name, times: timesOf(RARE, name), heldTimes: timesOf(HELD, name), counted: `call: ${name}` };
      kinds.set(called, kind);
    }
    return kind;
  };
}

function timesOf(all: Times, name: string): number {
  return all.find(([rare]) => rare.test(name))?.[1] ?? 1;
}
