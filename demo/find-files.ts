/** Finds the files that arguments mean: files, folders, globs, and "-" for standard input. */

import { globSync, type Stats, statSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { MillraceError } from "millrace";

/** Stands for standard input among the arguments, and among the files. */
export const STANDARD_INPUT = "-";

const DEFAULT_GLOB = "node_modules/**/*.md";

/** What a folder is not searched for, unless it is named itself. */
const SKIPPED_FOLDERS = ["node_modules", ".git", ".millrace"];

/**
 * The files, each once, in the order of the arguments and by name within one. Throws a MillraceError "usage" for an argument that means none.
 */
export function findFiles(inputs: readonly string[], folder: string): readonly string[] {
  const found = inputs.length === 0 ? findDefault(folder) : inputs.flatMap((input) => findInput(input, folder));
  return [...new Set(found)];
}

function findDefault(folder: string): readonly string[] {
  const files = findByGlob(DEFAULT_GLOB, folder);
  if (files.length > 0) return files;
  throw new MillraceError(
    "usage",
    `There is no Markdown file under ${join(folder, "node_modules")}; name files, as in \`npm start -- README.md\`.`,
  );
}

function findInput(input: string, folder: string): readonly string[] {
  if (input === STANDARD_INPUT) return [STANDARD_INPUT];
  const stats = statOf(resolve(folder, input));
  if (stats?.isDirectory()) {
    const files = findByGlob("**/*", resolve(folder, input), SKIPPED_FOLDERS);
    if (files.length === 0) throw new MillraceError("usage", `There is no file in the folder "${input}".`);
    return files;
  }
  if (stats !== undefined) return [resolve(folder, input)];
  const files = /[*?[{]/.test(input) ? findByGlob(input, folder) : [];
  if (files.length > 0) return files;
  throw new MillraceError(
    "usage",
    /[*?[{]/.test(input) ? `No file matches "${input}".` : `There is no file or folder "${input}".`,
  );
}

function findByGlob(pattern: string, folder: string, skipped: readonly string[] = []): readonly string[] {
  const exclude = (path: string): boolean => skipped.includes(path.slice(path.lastIndexOf(sep) + 1));
  return globSync(pattern, { cwd: folder, exclude })
    .map((path) => resolve(folder, path))
    .filter((path) => statOf(path)?.isFile())
    .sort();
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
