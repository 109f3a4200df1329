/** Where settings and secrets come from: the environment's variables, and for secrets a file beside them or a store. */

import { readFile } from "node:fs/promises";
import { MillraceError } from "../stream/error.ts";

/** The values of what is declared; undefined for what there is not. */
export interface SettingsSource {
  setting(name: string): string | undefined;
  secret(name: string): Promise<string | undefined>;
  /** Where somebody who misses a secret has to put it: the end of a sentence. */
  placeOf(secret: string): string;
}

/** The file of secrets, where no variable names another. Git is told to leave its folder alone. */
const SECRETS_FILE = ".millrace/secrets.json";
const SECRETS_FILE_VARIABLE = "MILLRACE_SECRETS_FILE";

/** The variable that holds a secret on this machine. */
export function secretVariable(name: string): string {
  return `MILLRACE_SECRET_${name.replace(/[^A-Za-z0-9]/g, "_").toUpperCase()}`;
}

/** This machine: variables, and for secrets without one the file, which is read anew each time. */
export function machineSettings(environment: Readonly<Record<string, string | undefined>>): SettingsSource {
  const file = environment[SECRETS_FILE_VARIABLE] ?? SECRETS_FILE;
  return {
    setting: (name) => environment[name],
    secret: async (name) => environment[secretVariable(name)] ?? (await readSecrets(file)).get(name),
    placeOf: (name) => `set the environment variable ${secretVariable(name)}, or put it into ${file}`,
  };
}

async function readSecrets(file: string): Promise<ReadonlyMap<string, string>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw new MillraceError("setting-missing", `The file of secrets ${file} cannot be read.`, { cause: error });
  }
  const secrets = parse(text);
  if (
    typeof secrets !== "object" ||
    secrets === null ||
    Array.isArray(secrets) ||
    Object.values(secrets).some((value) => typeof value !== "string")
  )
    // Without a word of what stands in it.
    throw new MillraceError("setting-missing", `The file of secrets ${file} is not JSON of texts by name.`);
  return new Map(Object.entries(secrets as Record<string, string>));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
