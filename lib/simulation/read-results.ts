/** What the application has written, as a reader of committed records takes it who drops repeats. */

import { type Identity, identityOf, isAbove, type SeenIdentity } from "../wire/identity.ts";
import type { Result } from "./program.ts";
import type { SimulatedKafka } from "./simulated-kafka.ts";

export type ReadResults = {
  readonly results: readonly Result[];
  /** Repeats, and results that came after what follows them without ever having come before. */
  readonly broken: { readonly repeats: readonly string[]; readonly order: readonly string[] };
};

/** Reads a topic; only what is of `generation` or a later one is a result. */
export function readResults(
  kafka: SimulatedKafka,
  { topic, partitions }: { readonly topic: string; readonly partitions: number },
  generation: number,
): ReadResults {
  const results: Result[] = [];
  const repeats: string[] = [];
  const order: string[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const last = new Map<string, SeenIdentity>();
    const ever = new Set<string>();
    for (const { key, value, timestampMs, headers } of kafka.read(topic, partition, 0, { isolation: "committed" })) {
      const identity = identityOf(headers) as Identity;
      const id = `${identity.task}/${identity.generation}:${identity.sequenceNumber}:${identity.index}`;
      const seen = last.get(identity.task);
      if (isAbove(identity, seen)) {
        last.set(identity.task, [identity.generation, identity.sequenceNumber, identity.index]);
        ever.add(id);
        if (identity.generation >= generation)
          results.push({ key: textOf(key), value: textOf(value) ?? "", timestampMs, identity, headers });
      } else if (ever.has(id)) repeats.push(`${topic} holds ${id} twice`);
      // Whoever is of a former generation is not listened to any more.
      else if (identity.generation === seen?.[0]) order.push(`O1: ${id} came after what follows it`);
    }
  }
  return { results, broken: { repeats, order } };
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString();
}
