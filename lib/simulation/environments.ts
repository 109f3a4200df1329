/** The execution environments of a run: one that is free is used again, unless a cold start is drawn. */

import type { FunctionPlan } from "../stream/plan.ts";
import { Environment, type Surroundings } from "./environment.ts";

/** What belongs to the code that an environment runs, and to the time it was made in. */
type Own = Pick<Surroundings, "version" | "generation" | "production" | "topology" | "wake">;

export class Environments {
  readonly #shared: Omit<Surroundings, keyof Own>;
  readonly #pools = new Map<string, Environment[]>();
  #made = 0;

  constructor(shared: Omit<Surroundings, keyof Own>) {
    this.#shared = shared;
  }

  /** One for the next invocation of a function. */
  for({ name: functionName }: FunctionPlan, own: Own): Environment {
    const { chance } = this.#shared;
    const pool = `${functionName} ${own.version} ${own.generation}`;
    const living = (this.#pools.get(pool) ?? []).filter(({ isDead }) => !isDead);
    this.#pools.set(pool, living);
    const free = living.filter(({ isFree }) => isFree);
    if (free.length > 0 && !chance.occurs("cold-start")) return chance.draw.pick(free);
    const plan = own.topology.functions.find(({ name }) => name === functionName) as FunctionPlan;
    this.#made += 1;
    const made = new Environment(`environment-${this.#made}`, plan, { ...this.#shared, ...own });
    living.push(made);
    return made;
  }

  /** Crashes all of a function, with what they have under way. */
  crash({ name }: FunctionPlan): void {
    for (const [pool, environments] of this.#pools)
      if (pool.startsWith(`${name} `)) for (const environment of environments) environment.crash();
  }
}
