/** Loads an application: every operator that the files in its `functions` folder export, and the topology they make together. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { isOperator, type Operator } from "../runtime/operator-handler.ts";
import { MillraceError } from "../stream/error.ts";
import type { Topology } from "../stream/plan.ts";
import { buildTopology } from "../stream/topology.ts";
import { importFile } from "./import-file.ts";

export type Application = {
  /** The one it was asked for by; else the name in package.json, or that of the folder, without what no name of an application may have. */
  readonly name: string;
  readonly folder: string;
  readonly topology: Topology;
  readonly operators: readonly Operator[];
};

const FUNCTIONS_FOLDER = "functions";
const OPERATOR_FILE = /(?<!\.d)\.(ts|mts|js|mjs)$/;
const NOT_AN_OPERATOR_FILE = /\.(test|spec)\.\w+$/;

/**
 * Loads the application in `folder`; under another name than that of its package where it is deployed under one. Throws a MillraceError: "usage" where there are no operator files, "definition" for a file that cannot be
 * imported, "topology" where operators do not fit together or files export none.
 */
export async function loadApplication(folder: string, namedHere?: string): Promise<Application> {
  const functions = join(folder, FUNCTIONS_FOLDER);
  if (!existsSync(functions))
    throw new MillraceError(
      "usage",
      `There is no folder ${functions}. An application keeps its operator files in "${FUNCTIONS_FOLDER}"; run the command in its folder, or name it with --app.`,
    );
  // First, since Node cannot import anything below a package.json that it cannot read.
  const name = namedHere ?? nameOf(folder);
  const files = operatorFilesIn(functions);
  const operators: Operator[] = [];
  for (const file of files) operators.push(...(await operatorsIn(file)));
  if (operators.length === 0)
    throw new MillraceError(
      "topology",
      `No file in ${relative(process.cwd(), functions) || functions} exports an operator. One begins with: export const handler = operator("name", stream(topic)….to(other)).`,
    );
  return {
    name,
    folder,
    operators,
    topology: buildTopology(
      name,
      operators.map((operator) => operator.definition),
    ),
  };
}

function operatorFilesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => OPERATOR_FILE.test(path) && !NOT_AN_OPERATOR_FILE.test(path) && !path.includes("node_modules"))
    .sort()
    .map((path) => resolve(folder, path));
}

async function operatorsIn(file: string): Promise<Operator[]> {
  const exported = await importFile(file);
  const operators = Object.values(exported).filter(isOperator);
  if (Object.keys(exported).length === 0)
    throw new MillraceError(
      "topology",
      `${file} exports nothing. Export its operator: export const handler = operator("name", …); or keep the file outside of "${FUNCTIONS_FOLDER}".`,
    );
  // Files without operators hold topics and helpers; one whose handler is no operator is a mistake.
  if (operators.length === 0 && "handler" in exported)
    throw new MillraceError(
      "topology",
      `${file} exports a handler that is not an operator. Make it with operator(…); what wraps handlers belongs into operator({ name, wrap }), or it hides the operator's definition.`,
    );
  return operators;
}

function nameInPackage(file: string): unknown {
  if (!existsSync(file)) return undefined;
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { name?: unknown } | null)?.name;
  } catch (cause) {
    throw new MillraceError("definition", `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

function nameOf(folder: string): string {
  const named = nameInPackage(join(folder, "package.json"));
  const name = typeof named === "string" && named !== "" ? named : basename(resolve(folder));
  const fitting = name
    .replace(/^@[^/]*\//, "")
    .replaceAll(/[^A-Za-z0-9_]+/g, "-")
    .replace(/^[^A-Za-z]+/, "")
    .replace(/-$/, "");
  return fitting === "" ? "application" : fitting;
}
