/** What is killed, and when: a pure function of the seed, so that a run can be repeated. When is said in records written, not in seconds. */

import { createRandom, type Random } from "../lib/simulation/random.ts";

/** Functions as `millrace topology` names them. */
const FUNCTIONS = ["total-views", "total-views--by-key", "sum-views", "sum-views--by-key"] as const;

export type Blow =
  /** SIGKILL of the process of a function: its operator, its mapping and its cache. */
  | { readonly kind: "function"; readonly name: string }
  /** SIGKILL of the process that starts the others, alone or with all of them; another takes its place. */
  | { readonly kind: "supervisor"; readonly withFunctions: boolean }
  /** SIGKILL of a server that has not answered for a moment, so that whoever asked it hangs; it is started again on the same data. */
  | { readonly kind: "kafka" | "dynamodb"; readonly stalledMs: number; readonly downMs: number }
  /** SIGSTOP of a function's process while another takes over, then SIGCONT: a zombie. The other one is then killed. */
  | { readonly kind: "zombie"; readonly name: string; readonly stoppedMs: number; readonly togetherMs: number };

export type BlowKind = Blow["kind"];
export const BLOW_KINDS = ["function", "supervisor", "kafka", "dynamodb", "zombie"] as const satisfies BlowKind[];

/** A blow, dealt `delayMs` after so many records were written. */
export type PlannedBlow = Blow & {
  readonly atRecord: number;
  readonly delayMs: number;
  /** Dealt although what fell before may not have recovered. */
  readonly isRushed: boolean;
};

/** Of so many SIGKILLs, how many are for which kind; what a restart takes long is killed less often. */
const KILL_WEIGHTS = [
  ["function", 27],
  ["supervisor", 7],
  ["kafka", 8],
  ["dynamodb", 8],
] as const;
const KILLS_PER_ZOMBIE = 8;

/** There is something under way in this part of the run, however far the operators lag behind. */
const [FIRST_PART, LAST_PART] = [0.03, 0.97];
const DELAY_MS_MAX = 400;
const RUSHED_SHARE = 0.5;
/** Of what comes next after Kafka's death. Whoever dies while Kafka is dead has committed what it could not send. */
const JOINED_SHARE = 0.6;
const STALLED_MS_MAX = 300;
const DOWN_MS_MAX = 1_500;
/** Another process needs about two seconds to take over: to start, to read what there is, and to send what is owed. */
const [STOPPED_MS_MIN, STOPPED_MS_MAX] = [3_500, 6_000];
const [TOGETHER_MS_MIN, TOGETHER_MS_MAX] = [300, 2_000];

/** `kills` SIGKILLs, each kind at least once where there are enough of them, and a zombie for every eight, at least one. */
export function planBlows(seed: number, records: number, kills: number): readonly PlannedBlow[] {
  const random = createRandom(seed);
  const kinds: BlowKind[] = KILL_WEIGHTS.map(([kind]) => kind).slice(0, kills);
  while (kinds.length < kills) kinds.push(drawKind(random));
  const zombies = kills === 0 ? 0 : Math.max(1, Math.floor(kills / KILLS_PER_ZOMBIE));
  for (let i = 0; i < zombies; i += 1) kinds.push("zombie");
  const blows = shuffled(kinds, random)
    .map((kind) => ({
      ...drawBlow(kind, random),
      atRecord: Math.floor(between(random, FIRST_PART, LAST_PART) * records),
      delayMs: Math.floor(random() * DELAY_MS_MAX),
      isRushed: random() < RUSHED_SHARE,
    }))
    .sort((a, b) => a.atRecord - b.atRecord);
  return blows.map((blow, i) => {
    const before = blows[i - 1];
    const isProcess = blow.kind === "function" || blow.kind === "supervisor";
    const isJoined = random() < JOINED_SHARE && before?.kind === "kafka" && isProcess;
    return isJoined ? { ...blow, atRecord: before.atRecord, isRushed: true } : blow;
  });
}

function drawKind(random: Random): BlowKind {
  let left = random() * KILL_WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);
  return (KILL_WEIGHTS.find(([, weight]) => (left -= weight) < 0) ?? KILL_WEIGHTS[0])[0];
}

function drawBlow(kind: BlowKind, random: Random): Blow {
  const name = FUNCTIONS[Math.floor(random() * FUNCTIONS.length)] as string;
  switch (kind) {
    case "function":
      return { kind, name };
    case "supervisor":
      return { kind, withFunctions: random() < 0.5 };
    case "kafka":
    case "dynamodb":
      return {
        kind,
        stalledMs: Math.floor(random() * STALLED_MS_MAX),
        downMs: Math.floor(random() * DOWN_MS_MAX),
      };
    case "zombie":
      return {
        kind,
        name,
        stoppedMs: Math.floor(between(random, STOPPED_MS_MIN, STOPPED_MS_MAX)),
        togetherMs: Math.floor(between(random, TOGETHER_MS_MIN, TOGETHER_MS_MAX)),
      };
    default:
      return kind satisfies never;
  }
}

function between(random: Random, from: number, to: number): number {
  return from + random() * (to - from);
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
