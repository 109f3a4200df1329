/**
 * One simulated run: a program on simulated servers, everything that happens drawn from one seed.
 *
 *     inputs → simulated Kafka → simulated mapping → environments (production code) → simulated DynamoDB, simulated Kafka
 *              ↑ trouble, until it ends; then all must come to rest within bounded virtual time, and the program judges its results
 */

import type { Host } from "../runtime/host.ts";
import type { InvocationContext } from "../runtime/operator-handler.ts";
import type { StateLog } from "../state-log/state-log.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import type { TickEvent } from "../wire/lambda-event.ts";
import { Chance } from "./chance.ts";
import { DAMAGE_CODES, type Damaged, damage, expire, RECREATED } from "./damage.ts";
import { BUCKET, type Environment, stateLogOf, TABLE } from "./environment.ts";
import { Environments } from "./environments.ts";
import { Holds } from "./holds.ts";
import { APPLICATION, type Loaded, type LoadedProgram } from "./loaded.ts";
import { PERFECT_NETWORK } from "./network.ts";
import { bytesOf, type Input } from "./program.ts";
import { SimulatedDynamoDb } from "./simulated-dynamodb.ts";
import { SimulatedKafka } from "./simulated-kafka.ts";
import { type Delivery, SimulatedMapping } from "./simulated-mapping.ts";
import { SimulatedS3 } from "./simulated-s3.ts";
import { Timeline } from "./timeline.ts";
import { inputTopicsOf, judgeRun } from "./verdict.ts";
import { Wishes } from "./wishes.ts";
import { Witness, witnessRulesOf } from "./witness.ts";

export type Run = {
  readonly seed: number;
  readonly program: string;
  /** What was wrong, in sentences; none where all was right. */
  readonly broken: readonly string[];
  /** How often each thing happened. */
  readonly counts: ReadonlyMap<string, number>;
};

const START_MS = 1_000_000;
/** Trouble goes on for a while after the last input; then everything must come to rest. */
const TROUBLE_AFTER_MS = { least: 300, most: 60_000 };
const ROLLOUT_MS_MAX = 3_000;
const REST_WITHIN_MS = 1_800_000;
/** A failure of Kafka that does not pass. */
const LOST_NUMBER = /has no offset any more|has lost its offset/u;
/** Whoever was given up long ago may still act; whoever has stopped at a damage tries again for ever. */
const AFTERMATH_MS = 120_000;
const NOTICED_MS = 2_000;
const TIME_OUT_MS = 60_000;
const LOOK_MS = 1_000;
/** How much oftener a leader moves while a transaction writes to its partition. */
const IN_TRANSACTION = 5;
const WEATHER_MS = 100;
/** What an invocation may fail with when nothing is wrong with the code. */
const EXCUSED = new Set(["kafka", "state-store", "conflict"]);
const BROKEN_MAX = 5;

type TaskPlace = { readonly plan: FunctionPlan; readonly topic: string; readonly partition: number };

/** Runs one seed. `versions`: the present code, and the one that is deployed in the middle of some runs. `tell`: is told what happens. */
export async function simulate(
  versions: readonly [Loaded, Loaded],
  seed: number,
  tell?: (line: string) => void,
): Promise<Run> {
  return new World(versions, seed, tell).run();
}

class World {
  readonly #versions: readonly [Loaded, Loaded];
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #timeline = new Timeline(START_MS);
  readonly #kafka: SimulatedKafka;
  readonly #dynamodb: SimulatedDynamoDb;
  readonly #s3: SimulatedS3 | undefined;
  readonly #witness: Witness;
  readonly #program: number;
  readonly #mappings: SimulatedMapping[];
  readonly #environments: Environments;
  readonly #wishes: Wishes;
  /** Live invocations, zombies not counted. */
  #waitedFor = 0;
  #version: 0 | 1 = 0;
  /** Until then some invocations still go to the version before. */
  #mixedUntilMs = 0;
  #generation = 0;
  #writes = 0;
  /** Whether something was damaged, and whether anybody has noticed. */
  #damage: "none" | "done" | "noticed" = "none";
  #isRecreated = false;

  constructor(versions: readonly [Loaded, Loaded], seed: number, tell?: (line: string) => void) {
    this.#versions = versions;
    this.#seed = seed;
    const timed = (line: string) => tell?.(`${String(this.#timeline.now() - START_MS).padStart(9)} ${line}`);
    const chance = new Chance(seed, tell && timed);
    this.#chance = chance;
    this.#wishes = new Wishes(this.#timeline, chance);
    this.#program = chance.draw.below(versions[0].programs.length);
    const { topology } = this.#loaded;
    this.#witness = new Witness(versions[0].production, witnessRulesOf(topology));
    this.#kafka = new SimulatedKafka({
      now: () => this.#timeline.now(),
      later: (_, work) => void this.#timeline.after(chance.draw.magnitude(1, 50), work),
    });
    this.#dynamodb = new SimulatedDynamoDb({ now: () => this.#timeline.now(), tables: [TABLE] });
    this.#s3 = chance.draw.occurs(0.3)
      ? new SimulatedS3({ now: () => this.#timeline.now(), buckets: [BUCKET] })
      : undefined;
    for (const { name, partitions } of topology.topics) this.#kafka.createTopic(name, partitions);
    this.#environments = new Environments({
      timeline: this.#timeline,
      chance,
      holds: new Holds(this.#timeline, chance.draw),
      kafka: this.#kafka,
      dynamodb: this.#dynamodb,
      s3: this.#s3,
      witness: this.#witness,
    });
    this.#watchServers();
    const batchSizeMax = chance.draw.pick([1, 2, 4, 8]);
    const isolation = chance.draw.pick(["committed", "uncommitted"] as const);
    // Two pollers that do not know of each other, as after a rebalancing that one of them has missed.
    const pollers = chance.draw.occurs(0.2) ? 2 : 1;
    const around = { kafka: this.#kafka, chance, timeline: this.#timeline, batchSizeMax, isolation };
    const invoke = (delivery: Delivery) => this.#invoke(delivery.plan, delivery.event, delivery);
    this.#mappings = Array.from({ length: pollers }, () => topology.functions).flatMap((functions) =>
      functions.flatMap((plan) =>
        inputTopicsOf(plan).map((input) => new SimulatedMapping({ ...around, ...input, plan, invoke })),
      ),
    );
  }

  async run(): Promise<Run> {
    const { program } = this.#loaded;
    const inputs = program.inputs(this.#chance.draw, START_MS);
    for (const { topic, partition, atMs, timestampMs, key, value } of inputs)
      this.#timeline.after(atMs, () => {
        // Another topic of the same name would look like the old one as soon as it is as long.
        if (this.#isRecreated) return;
        this.#kafka.append(topic, partition, [{ key: bytesOf(key), value: bytesOf(value), timestampMs, headers: [] }]);
        this.#wake(topic);
      });
    const lastMs = Math.max(...inputs.map(({ atMs }) => atMs));
    this.#plan(lastMs);
    let isOver = false;
    const isDone = () => isOver || this.#damage === "noticed";
    void this.#comeToRest(lastMs + this.#chance.draw.magnitude(TROUBLE_AFTER_MS.least, TROUBLE_AFTER_MS.most)).then(
      () => {
        isOver = true;
      },
    );
    const isBroken = () => this.#witness.broken.length > 0;
    await this.#timeline.run(() => isDone() || isBroken(), START_MS + lastMs + REST_WITHIN_MS);
    if (!isDone() && !isBroken()) this.#note("it does not come to rest");
    else {
      const aftermathMs = this.#damage === "noticed" ? NOTICED_MS : AFTERMATH_MS;
      await this.#timeline.run(isBroken, this.#timeline.now() + aftermathMs);
      if (!isBroken()) for (const sentence of await this.#judge(inputs)) this.#note(sentence);
    }
    for (const error of [...this.#dynamodb.unknown, ...this.#dynamodb.invalid, ...(this.#s3?.unknown ?? [])])
      this.#note(`a wrong request: ${error}`);
    const { broken } = this.#witness;
    return {
      seed: this.#seed,
      program: program.name,
      broken: broken.slice(0, BROKEN_MAX),
      counts: this.#chance.counts,
    };
  }

  get #loaded(): LoadedProgram {
    return this.#programOf(this.#version);
  }

  #programOf(version: 0 | 1): LoadedProgram {
    return this.#versions[version].programs[this.#program] as LoadedProgram;
  }

  #judge(inputs: readonly Input[]): Promise<readonly string[]> {
    return judgeRun({
      loaded: this.#loaded,
      inputs,
      isPartial: this.#damage === "noticed",
      isExcused: (error) => this.#damage !== "none" && DAMAGE_CODES.has((error as { code?: string }).code ?? ""),
      kafka: this.#kafka,
      generation: this.#generation,
      // What the last version wrote only the last version reads.
      production: this.#versions[1].production,
      log: this.#log(this.#versions[1]),
    });
  }

  /** The state logs, without a network between. */
  #log({ production }: Loaded): StateLog {
    return stateLogOf(production, this.#dynamodb.client(PERFECT_NETWORK), this.#s3?.client(PERFECT_NETWORK));
  }

  #note(sentence: string): void {
    this.#witness.broken.push(sentence);
  }

  #watchServers(): void {
    this.#dynamodb.observe((write) => {
      this.#writes += 1;
      this.#witness.written(write);
    });
    this.#kafka.onAppend((topic, partition, records) => {
      this.#writes += 1;
      this.#witness.sent({ topic, partition, records });
      this.#wake(topic);
    });
    // The writer does not know yet that somebody else leads the partition: what it sends there is refused, and its number is taken.
    this.#kafka.onOpen((topic, partition) => {
      if (this.#chance.occurs("leader-moved", IN_TRANSACTION)) this.#moveLeader(topic, partition);
    });
  }

  /** What else is to happen before trouble ends. */
  #plan(lastMs: number): void {
    const { draw } = this.#chance;
    const startsOver = this.#loaded.program.mayStartOver && draw.occurs(0.2);
    // Whoever starts over wants all again.
    const hasRetention = !startsOver && draw.occurs(0.2);
    const weather = () => {
      if (this.#chance.occurs("leader-moved")) {
        const { name, partitions } = draw.pick(this.#kafka.topics());
        this.#moveLeader(name, draw.below(partitions));
      }
      if (this.#chance.occurs("connections-dropped")) this.#kafka.bounce(draw.between(1, this.#kafka.brokers));
      if (hasRetention && draw.occurs(0.2) && expire(this.#damaged))
        this.#chance.count("event: processed records are gone");
      if (draw.occurs(0.05)) {
        const place = draw.pick(this.#tasks());
        void this.#tick(place.plan, [place]);
      }
      if (this.#timeline.now() < START_MS + lastMs) this.#timeline.after(WEATHER_MS, weather);
    };
    weather();
    if (draw.occurs(0.15))
      this.#timeline.after(draw.below(lastMs + 1), () => {
        this.#chance.count("event: a later version is deployed");
        this.#version = 1;
        this.#mixedUntilMs = this.#timeline.now() + draw.below(ROLLOUT_MS_MAX);
      });
    if (draw.occurs(0.06))
      this.#timeline.after(draw.below(lastMs + TROUBLE_AFTER_MS.most / 20), () => this.#doDamage());
    else if (startsOver) this.#timeline.after(draw.below(lastMs + 1), () => void this.#startOver());
  }

  get #damaged(): Damaged {
    return {
      kafka: this.#kafka,
      dynamodb: this.#dynamodb,
      draw: this.#chance.draw,
      functions: this.#loaded.topology.functions,
      crash: (plan) => this.#environments.crash(plan),
      nameOf: (plan, topic, partition) => `${APPLICATION}/${plan.name}/${topic}-${partition}/${this.#generation}`,
    };
  }

  #doDamage(): void {
    const done = damage(this.#damaged);
    if (done === undefined) return;
    this.#chance.count(`damage: ${done}`);
    this.#damage = "done";
    this.#isRecreated = done === RECREATED;
  }

  #moveLeader(topic: string, partition: number): void {
    this.#kafka.moveLeader(topic, partition, this.#chance.draw.between(1, this.#kafka.brokers));
  }

  /** All functions begin again in a new generation, as `state reset` makes them. */
  async #startOver(): Promise<void> {
    this.#chance.count("event: all functions start over");
    const log = this.#log(this.#versions[0]);
    for (const { name } of this.#loaded.topology.functions) await log.allotGeneration(name, 0);
    this.#generation = 1;
    for (const mapping of this.#mappings) mapping.rewind();
  }

  #wake(topic: string): void {
    for (const mapping of this.#mappings ?? []) if (mapping.topic === topic) mapping.poll();
  }

  #tasks(): TaskPlace[] {
    return this.#loaded.topology.functions
      .filter(({ commits }) => commits)
      .flatMap((plan) =>
        inputTopicsOf(plan).flatMap(({ topic, partitions }) =>
          Array.from({ length: partitions }, (_, partition) => ({ plan, topic, partition })),
        ),
      );
  }

  #tick(plan: FunctionPlan, places: readonly TaskPlace[]): Promise<boolean> {
    const tasks = places.map(({ topic, partition }) => ({ topic, partition }));
    return this.#invoke(plan, { eventSource: "millrace:tick", functionName: plan.name, tasks });
  }

  async #invoke(plan: FunctionPlan, event: string | TickEvent, delivery?: Delivery): Promise<boolean> {
    const { draw } = this.#chance;
    const environment = this.#environmentFor(plan);
    const { program } = this.#programOf(environment.version);
    const operator = program.operators.find(({ definition }) => definition === environment.plan.operator);
    if (operator === undefined) throw new Error(`no operator of ${plan.name}`);
    this.#chance.count("invocations");
    if (this.#chance.occurs("clock-jumped")) environment.jumpClock();
    if (this.#chance.occurs("frozen"))
      this.#timeline.after(draw.below(30), () => environment.freeze(draw.magnitude(50, 100_000)));
    const { version } = environment;
    const { HOST } = this.#versions[version].production;
    const context: InvocationContext = {
      awsRequestId: "simulated",
      functionName: plan.name,
      getRemainingTimeInMillis: () => TIME_OUT_MS,
      [HOST]: environment.host,
    } as InvocationContext;
    environment.begin();
    this.#waitedFor += 1;
    const done = operator(event, context).then(
      () => {
        if (delivery !== undefined && plan.commits) this.#succeeded(environment, delivery);
        return true;
      },
      (error: unknown) => {
        this.#failed(error, version);
        return false;
      },
    );
    void done.then(() => environment.end());
    const early = this.#chance.occurs("timed-out");
    const givenUp = this.#timeline.sleep(early ? draw.below(30) : TIME_OUT_MS).then(() => false);
    const died = environment.death.then(() => false);
    const succeeded = await Promise.race([done, died, givenUp]);
    this.#waitedFor -= 1;
    return succeeded;
  }

  #succeeded(environment: Environment, { plan, topic, ends }: Delivery): void {
    // Which generation a function is of that starts over meanwhile, nobody knows.
    if (environment.isDead || environment.generation !== this.#generation) return;
    const { toTaskName } = this.#versions[0].production;
    for (const [partition, offset] of ends)
      this.#witness.succeeded(toTaskName(APPLICATION, plan.name, topic, partition, this.#generation).full, offset);
  }

  #environmentFor(plan: FunctionPlan): Environment {
    const { draw } = this.#chance;
    const version = this.#timeline.now() < this.#mixedUntilMs && draw.occurs(0.5) ? 0 : this.#version;
    const generation = this.#generation;
    const wake: Host["wake"] = (...wish) => {
      if (generation === this.#generation) this.#wish(plan, ...wish);
    };
    const { production } = this.#versions[version];
    const { topology } = this.#programOf(version);
    return this.#environments.for(plan, { version, generation, production, topology, wake });
  }

  #wish(plan: FunctionPlan, ...[name, topic, partition, atMs, sequenceNumber]: Parameters<Host["wake"]>): void {
    const tick = () => this.#tick(plan, [{ plan, topic, partition }]);
    this.#wishes.wish(`${name} ${topic} ${partition} ${this.#generation}`, atMs, sequenceNumber, tick);
  }

  #failed(error: unknown, version: number): void {
    const { name, code } = error as { name?: string; code?: string };
    if (name === "MillraceError" && code !== undefined) {
      this.#chance.count(`failed: ${code}`);
      if (this.#damage !== "none" && DAMAGE_CODES.has(code)) {
        if (code !== "kafka" || LOST_NUMBER.test((error as Error).message)) this.#damage = "noticed";
        return;
      }
      if (EXCUSED.has(code) || (code === "state-unusable" && version < this.#version)) return;
    }
    this.#note(`an invocation failed: ${(error as Error).stack ?? String(error)}`);
  }

  /** Ends trouble, then waits until nothing is left to do, and a look at every task changes nothing. */
  async #comeToRest(troubleMs: number): Promise<void> {
    await this.#timeline.sleep(troubleMs);
    this.#chance.end();
    for (const mapping of this.#mappings) mapping.goBack();
    for (let writes = -1; writes !== this.#writes || !this.#wishes.isEmpty; ) {
      while (this.#waitedFor > 0 || !this.#mappings.every((mapping) => mapping.isCaughtUp())) {
        for (const mapping of this.#mappings) mapping.poll();
        await this.#timeline.sleep(LOOK_MS);
      }
      writes = this.#writes;
      // What the schedule does every minute.
      for (const [plan, places] of Map.groupBy(this.#tasks(), ({ plan }) => plan))
        while (!(await this.#tick(plan, places))) await this.#timeline.sleep(LOOK_MS);
      if (!this.#wishes.isEmpty) await this.#timeline.sleep(LOOK_MS);
    }
  }
}
