/** Imports a user's file, TypeScript or JavaScript, whatever this version of Node can do by itself. */

import { mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { MillraceError } from "../stream/error.ts";

/** Imports `file`. Throws a MillraceError "definition" that names it and says what went wrong; one of ours goes through as it is. */
export async function importFile(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(await runnable(file)).href)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new MillraceError("definition", `${file} cannot be loaded: ${message}`, { cause: error });
  }
}

/** A file that Node can import: the file itself where Node strips types (≥ 22.18), else one that esbuild makes of it, if it is installed. */
async function runnable(file: string): Promise<string> {
  if (!/\.m?ts$/.test(file) || process.features.typescript !== false) return file;
  const esbuild = await import("esbuild").catch((cause: unknown) => {
    throw new MillraceError(
      "definition",
      `Node ${process.version} cannot load ${basename(file)}, which is TypeScript: use Node 22.18 or later, or install esbuild.`,
      { cause },
    );
  });
  const folder = join(dirname(file), "node_modules", ".millrace");
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${basename(file)}.${process.pid}.mjs`);
  await esbuild.build({
    entryPoints: [file],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    sourcemap: "inline",
    logLevel: "silent",
  });
  return outfile;
}
