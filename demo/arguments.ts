/** Reads the command line of `npm start`. */

import { parseArgs } from "node:util";
import { MillraceError } from "millrace";
import type { ServicesOptions } from "../lib/local/services.ts";

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

/** Above this a run would hardly come to an end. */
const CRASH_MAX = 0.9;
const SEED_MAX = 2 ** 32 - 1;

/** Throws a MillraceError "usage" with a sentence for whatever cannot be understood. */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  if (values.help === true) return { kind: "help" };
  return {
    kind: "run",
    inputs: positionals,
    crash: values.crash === undefined ? 0 : toNumber(values.crash, "--crash", 0, CRASH_MAX),
    seed: values.seed === undefined ? undefined : toInteger(values.seed, "--seed", 0, SEED_MAX),
    json: values.json === true,
    services:
      values.services === true || values.kafka !== undefined || values.dynamodb !== undefined
        ? { kafka: values.kafka, dynamodb: values.dynamodb }
        : undefined,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        crash: { type: "string" },
        seed: { type: "string" },
        json: { type: "boolean" },
        services: { type: "boolean" },
        kafka: { type: "string" },
        dynamodb: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (cause) {
    const [sentence = ""] = (cause as Error).message.split(/\. |\n/);
    throw new MillraceError("usage", `${sentence.replace(/\.$/, "")}; see \`npm start -- --help\`.`, { cause });
  }
}

function toNumber(text: string, option: string, min: number, max: number): number {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (number >= min && number <= max) return number;
  throw new MillraceError("usage", `${option} takes a number from ${min} to ${max}, not "${text}".`);
}

function toInteger(text: string, option: string, min: number, max: number): number {
  if (/^\d+$/.test(text) && Number(text) <= max) return Number(text);
  throw new MillraceError("usage", `${option} takes a whole number from ${min} to ${max}, not "${text}".`);
}
