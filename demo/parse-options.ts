/** The options that verified runs have in common, and how they are read. */

import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { MillraceError } from "millrace";
import type { ServicesOptions } from "../lib/local/services.ts";

export const RUN_OPTIONS = {
  crash: { type: "string" },
  seed: { type: "string" },
  json: { type: "boolean" },
  services: { type: "boolean" },
  kafka: { type: "string" },
  dynamodb: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Throws a MillraceError "usage" that names `command` for what is no option. */
export function parseOptions<const O extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: O,
  command: string,
) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (cause) {
    const [sentence = ""] = (cause as Error).message.split(/\. |\n/);
    throw new MillraceError("usage", `${sentence.replace(/\.$/, "")}; see \`${command} -- --help\`.`, { cause });
  }
}

/** The servers that are asked for; undefined: a folder here. */
export function toServices(values: {
  readonly services?: boolean;
  readonly kafka?: string;
  readonly dynamodb?: string;
}): ServicesOptions | undefined {
  const { services, kafka, dynamodb } = values;
  return services === true || kafka !== undefined || dynamodb !== undefined ? { kafka, dynamodb } : undefined;
}

/** How another command finds the same servers. */
export function toServicesFlags({ kafka, dynamodb }: ServicesOptions): string {
  const named = [kafka === undefined ? "" : `--kafka ${kafka}`, dynamodb === undefined ? "" : `--dynamodb ${dynamodb}`];
  return named.filter((flag) => flag !== "").join(" ") || "--services";
}
