/** Reads the command line of `npm run nexmark`. */

import { MillraceError } from "millrace";
import { parseOptions } from "../../demo/parse-options.ts";
import { toInteger } from "../../demo/read-number.ts";
import { QUERIES, type Query } from "./queries.ts";

export const HELP = `The queries of the Nexmark benchmark, verified; what they cost is measured by npm run bench -- --only nexmark.

  npm run nexmark                            runs all queries over 100,000 events and compares every result with plain code
  npm run nexmark -- q5 q7 --events 1000000  some of them, over more
  npm run nexmark -- produce --events 1000000 --kafka localhost:9092
                                             writes the events to a topic as JSON: --topic nexmark, --partitions 4,
                                             --rate 10000 (events a second of event time); in each partition a
                                             person a day later comes last, so that all windows close
  --json                                     one JSON document on standard output
  --help                                     this text

It exits with 0 if everything was verified, with 1 if anything differs or failed, and with 2 if it was called in a way
that cannot be carried out.
`;

export type Arguments =
  | { readonly kind: "help" }
  | {
      readonly kind: "verify";
      readonly queries: readonly Query[];
      readonly events: number;
      readonly json: boolean;
    }
  | {
      readonly kind: "produce";
      readonly events: number;
      /** undefined: as the environment says, or what `npm run services` starts. */
      readonly kafka: string | undefined;
      readonly topic: string;
      readonly partitions: number;
      readonly eventsPerSecond: number;
      readonly json: boolean;
    };

const EVENTS_DEFAULT = 100_000;
/** All of them are in memory while they are verified. */
const VERIFIED_MAX = 5_000_000;
const PRODUCED_MAX = 1_000_000_000;

/** Throws a MillraceError "usage" with a sentence for whatever cannot be understood. */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parseOptions(
    args,
    {
      events: { type: "string" },
      kafka: { type: "string" },
      topic: { type: "string" },
      partitions: { type: "string" },
      rate: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
    "npm run nexmark",
  );
  if (values.help === true) return { kind: "help" };
  const json = values.json === true;
  const eventsUpTo = (max: number) =>
    values.events === undefined ? EVENTS_DEFAULT : toInteger(values.events, "--events", 1, max);
  if (positionals.length === 1 && positionals[0] === "produce")
    return {
      kind: "produce",
      events: eventsUpTo(PRODUCED_MAX),
      kafka: values.kafka,
      topic: values.topic ?? "nexmark",
      partitions: values.partitions === undefined ? 4 : toInteger(values.partitions, "--partitions", 1, 10_000),
      eventsPerSecond: values.rate === undefined ? 10_000 : toInteger(values.rate, "--rate", 1, 1_000_000_000),
      json,
    };
  return { kind: "verify", queries: toQueries(positionals), events: eventsUpTo(VERIFIED_MAX), json };
}

function toQueries(names: readonly string[]): readonly Query[] {
  if (names.length === 0) return QUERIES;
  return names.map((name) => {
    const query = QUERIES.find((candidate) => candidate.name === name);
    if (query !== undefined) return query;
    const known = QUERIES.map((candidate) => candidate.name).join(", ");
    throw new MillraceError("usage", `There is no query "${name}"; there are ${known}.`);
  });
}
