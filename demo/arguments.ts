/** Reads the command line of `npm start`. */

import type { ServicesOptions } from "../lib/local/services.ts";
import { parseOptions, RUN_OPTIONS, toServices } from "./parse-options.ts";
import { toCrash, toSeed } from "./read-number.ts";

export const HELP = `Counts the words of text in windows of five seconds, and verifies every window.

  npm start                         every Markdown file under node_modules
  npm start -- README.md 'docs/**/*.md' src -
                                    these files, globs and folders; - is standard input
  npm start -- --crash 0.2          while invocations crash, time out, leave zombies, are delivered twice
  npm start -- --seed 7             with the event times, the order and the crashes of an earlier run
  npm start -- --services           on the Kafka and DynamoDB that \`npm run services\` starts; --kafka host:port and
                                    --dynamodb address name others
  npm start -- --json               one JSON summary on standard output, nothing else there

Run it from the repository. It exits with 0 if everything was verified, with 1 if anything differs or failed, and
with 2 if it was called in a way that cannot be carried out. What it produced stays in .millrace/word-count.`;

export type Arguments =
  | { readonly kind: "help" }
  | {
      readonly kind: "run";
      /** Files, globs, folders and "-"; empty: the default. */
      readonly inputs: readonly string[];
      /** How likely each place that can fail is to fail; 0: none does. */
      readonly crash: number;
      /** undefined: the unfinished run's, or a new one. */
      readonly seed: number | undefined;
      readonly json: boolean;
      /** The servers to run on; undefined: a folder here. */
      readonly services: ServicesOptions | undefined;
    };

/** Throws a MillraceError "usage" with a sentence for whatever cannot be understood. */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parseOptions(args, RUN_OPTIONS, "npm start");
  if (values.help === true) return { kind: "help" };
  return {
    kind: "run",
    inputs: positionals,
    crash: toCrash(values.crash),
    seed: toSeed(values.seed),
    json: values.json === true,
    services: toServices(values),
  };
}
