/** Reads the command line of `npm run example`. */

import { MillraceError } from "millrace";
import { parseOptions, RUN_OPTIONS, toServices } from "../demo/parse-options.ts";
import { toCrash, toInteger, toSeed } from "../demo/read-number.ts";
import type { ServicesOptions } from "../lib/local/services.ts";

export const HELP = `Runs an example over input of its own, and verifies every result by plain code.

  npm run example                            lists the examples
  npm run example -- log-analytics           runs one
  npm run example -- log-analytics --records 100000 --seed 7
                                             with more input, or that of an earlier run
  npm run example -- log-analytics --crash 0.2
                                             while invocations crash, time out, leave zombies, are delivered twice
  npm run example -- log-analytics --services
                                             on the Kafka and DynamoDB that \`npm run services\` starts; --kafka
                                             host:port and --dynamodb address name others
  npm run example -- log-analytics --produce
                                             writes the input alone, for \`npx millrace run --app
                                             examples/log-analytics\`
  npm run --silent example -- log-analytics --json
                                             one JSON summary on standard output, nothing else there; also with --list

It exits with 0 if everything was verified, with 1 if anything differs or failed, and with 2 if it was called in a way
that cannot be carried out. What it produced stays in .millrace/examples.`;

export type Arguments =
  | { readonly kind: "help" }
  | { readonly kind: "list"; readonly json: boolean }
  | {
      readonly kind: "run" | "produce";
      readonly name: string;
      readonly records: number;
      /** undefined: a new one. */
      readonly seed: number | undefined;
      readonly crash: number;
      readonly json: boolean;
      readonly services: ServicesOptions | undefined;
    };

const RECORDS_DEFAULT = 20_000;
const RECORDS_MIN = 100;
/** All of it is held in memory, twice. */
const RECORDS_MAX = 2_000_000;

/** Throws a MillraceError "usage" with a sentence for whatever cannot be understood. */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parseOptions(
    args,
    { ...RUN_OPTIONS, records: { type: "string" }, list: { type: "boolean" }, produce: { type: "boolean" } },
    "npm run example",
  );
  if (values.help === true) return { kind: "help" };
  const json = values.json === true;
  const [name, ...more] = positionals;
  if (name === undefined || values.list === true) return { kind: "list", json };
  if (more.length > 0) throw new MillraceError("usage", `One example at a time: "${name}", or "${more[0]}".`);
  return {
    kind: values.produce === true ? "produce" : "run",
    name,
    records:
      values.records === undefined ? RECORDS_DEFAULT : toInteger(values.records, "--records", RECORDS_MIN, RECORDS_MAX),
    seed: toSeed(values.seed),
    crash: toCrash(values.crash),
    json,
    services: toServices(values),
  };
}
