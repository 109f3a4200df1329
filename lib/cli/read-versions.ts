/** The versions of applications that stand in templates: in what `cdk synth` leaves, or in what CloudFormation says is deployed. */

import { readFileSync, statSync } from "node:fs";
import { readAssembly } from "../local/lambda-runtime/assembly.ts";
import type { Change } from "../runtime/change.ts";
import { changeOfKafka, changesBetween, type DeployedVersion } from "../runtime/changes.ts";
import { MillraceError } from "../stream/error.ts";

/** As `lib/cdk/version-check.ts` calls it. */
const VERSION_RESOURCE = "Custom::MillraceVersion";

export type TemplateVersion = {
  readonly version: DeployedVersion;
  /** undefined: only a deployment knows. */
  readonly kafka: string | undefined;
  /** The ids of changes that are confirmed. */
  readonly confirmed: ReadonlySet<string>;
};

export type ApplicationChanges = {
  readonly application: string;
  readonly changes: readonly Change[];
  readonly confirmed: ReadonlySet<string>;
};

type Properties = { readonly version?: unknown; readonly kafka?: unknown; readonly confirmed?: unknown };

/** The versions in a folder of templates, or in the file of one. Throws MillraceError "usage" for what is no template, or has none. */
export function readVersions(path: string): readonly TemplateVersion[] {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder
    ? toVersions(readAssembly(path).propertiesOf(VERSION_RESOURCE), path)
    : versionsIn(readText(path), path);
}

/** The versions in the text of a template; `path` says where it comes from. */
export function versionsIn(text: string, path: string): readonly TemplateVersion[] {
  const found = resourcesIn(text, path).filter(({ Type }) => Type === VERSION_RESOURCE);
  return toVersions(
    found.map(({ Properties = {} }) => Properties),
    path,
  );
}

function toVersions(found: readonly Properties[], path: string): readonly TemplateVersion[] {
  if (found.length === 0)
    throw new MillraceError(
      "usage",
      `There is no application of Millrace in ${path}, or one of a version that did not say what it keeps.`,
    );
  return found.map(({ version, kafka, confirmed = "[]" }) => ({
    version: JSON.parse(String(version)) as DeployedVersion,
    kafka: typeof kafka === "string" ? kafka : undefined,
    confirmed: new Set(JSON.parse(String(confirmed)) as string[]),
  }));
}

/** The changes of each application, called by its name of now: that of the same name, or the only one there is. */
export function changesOf(
  before: readonly TemplateVersion[],
  after: readonly TemplateVersion[],
): readonly ApplicationChanges[] {
  return after.flatMap(({ version, kafka, confirmed }) => {
    const same = before.find((one) => one.version.application === version.application);
    const was = same ?? (before.length === 1 && after.length === 1 ? before[0] : undefined);
    if (was === undefined) return [];
    const ofKafka =
      same !== undefined && was.kafka !== undefined && kafka !== undefined ? changeOfKafka(was.kafka, kafka) : [];
    const changes = [...ofKafka, ...changesBetween(was.version, version)];
    return [{ application: version.application, changes, confirmed }];
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new MillraceError("usage", `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

type Template = { readonly Resources?: Readonly<Record<string, { Type: string; Properties?: Properties }>> };

/** CloudFormation gives a template inside of another object, unless it is asked for that alone. */
function resourcesIn(text: string, path: string): readonly { Type: string; Properties?: Properties }[] {
  try {
    const { TemplateBody, ...template } = JSON.parse(text) as Template & { readonly TemplateBody?: Template };
    return Object.values((TemplateBody ?? template).Resources ?? {});
  } catch (cause) {
    throw new MillraceError(
      "usage",
      `There is no template in ${path}, as aws cloudformation get-template gives it in JSON: ${(cause as Error).message}`,
      { cause },
    );
  }
}
