/**
 * The production code loaded again with a few places of its source changed: at a smaller scale, so that laps of the ring and parts come up in a run of
 * milliseconds; as a later version, beside the present one; without one of its guards. So the code that runs in production holds no switches.
 */

import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

/** A place in a file under lib/, told by its text, which must stand there exactly once. */
export type Patch = { readonly file: string; readonly find: string; readonly replace: string };

export type Production = typeof import("./production.ts");

const LIB = new URL("../", import.meta.url).href;
const PARAMETER = "variant";

/** Those that are being loaded, or were. */
const patchesOf = new Map<string, ReadonlyMap<string, readonly Patch[]>>();

/** Loads the production code with patches; `name` is that of a variant, unique in this process. Throws where a place is not found once. */
export async function loadVariant(name: string, patches: readonly Patch[]): Promise<Production> {
  if (patchesOf.size === 0) hook();
  patchesOf.set(
    name,
    Map.groupBy(patches, ({ file }) => file),
  );
  for (const { file } of patches) patchedSource(new URL(file, LIB).href, patchesOf.get(name)?.get(file) ?? []);
  return (await import(`${LIB}simulation/production.ts?${PARAMETER}=${name}`)) as Production;
}

/** What a file of a variant imports from lib/ is of the same variant. */
function hook(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const variant = variantOf(context.parentURL);
      if (variant === undefined || !resolved.url.startsWith(LIB) || resolved.url.includes("?")) return resolved;
      return { ...resolved, url: `${resolved.url}?${PARAMETER}=${variant}` };
    },
    load(url, context, next) {
      const loaded = next(url, context);
      const patches = patchesOf.get(variantOf(url) ?? "")?.get(pathOf(url));
      return patches === undefined ? loaded : { ...loaded, source: patchedSource(url, patches) };
    },
  });
}

function variantOf(url: string | undefined): string | undefined {
  if (url === undefined || !url.startsWith(LIB)) return undefined;
  return new URL(url).searchParams.get(PARAMETER) ?? undefined;
}

function pathOf(url: string): string {
  return url.slice(LIB.length).replace(/\?.*$/, "");
}

/** A file under lib/ as a variant has it. */
export function sourceOf(variant: string, file: string): string {
  return patchedSource(new URL(file, LIB).href, patchesOf.get(variant)?.get(file) ?? []);
}

function patchedSource(url: string, patches: readonly Patch[]): string {
  let source = readFileSync(new URL(pathOf(url), LIB), "utf8");
  for (const { find, replace } of patches) {
    const places = source.split(find).length - 1;
    if (places !== 1) throw new Error(`lib/${pathOf(url)} holds this ${places} times instead of once: ${find}`);
    source = source.replace(find, () => replace);
  }
  return source;
}
