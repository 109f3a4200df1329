/** The rules of the house as a pure function: from files to sentences about what breaks a rule. */

import { builtinModules } from "node:module";
import { posix } from "node:path";
import { lineAt, readSourceText, type SourceText } from "./source-text.ts";

/** In the order in which data flows: a folder imports only from itself and from what stands before it. */
export const LIB_FOLDERS = [
  "stream",
  "windows",
  "watermarks",
  "state",
  "operators",
  "wire",
  "state-log",
  "kafka",
  "tables",
  "runtime",
  "cost",
  "lambda",
  "local",
  "simulation",
  "cli",
  "dashboard",
  "cdk",
];

/** No I/O, no clock, no randomness, nothing asynchronous. The value lists the node: modules allowed all the same. */
const PURE_FOLDERS: Readonly<Record<string, readonly string[]>> = {
  stream: [],
  windows: [],
  watermarks: [],
  state: ["node:buffer"],
  operators: [],
  wire: ["node:buffer", "node:zlib"],
  cost: [],
};

/** Imports against the order, and pairs that never meet although the order would let them. */
const ALLOWED_AGAINST_ORDER = [["local", "simulation"]];
const NEVER_TOGETHER = [["lambda", "local"]];

/** Packages that stay behind one door each; tests, benchmarks and strangers to our own client may use them anywhere. */
const PACKAGE_HOMES = [
  { packages: /^@aws-sdk\/client-sqs(\/|$)/, homes: /^lib\/lambda\/sqs-/, name: "lib/lambda/sqs-*" },
  {
    packages: /^@aws-sdk\/client-secrets-manager(\/|$)/,
    homes: /^lib\/lambda\/secrets-/,
    name: "lib/lambda/secrets-*",
  },
  { packages: /^@aws-sdk\/client-s3(\/|$)/, homes: /^lib\/state-log\/s3-/, name: "lib/state-log/s3-*" },
  {
    packages: /^(@aws-sdk\/(?!client-(s3|sqs|secrets-manager)(\/|$))|@smithy\/)/,
    homes: /^lib\/((state-log|tables)\/dynamodb-|kafka\/msk-iam|local\/lambda-api)/,
    name: "lib/state-log/dynamodb-*, lib/tables/dynamodb-*, lib/kafka/msk-iam or lib/local/lambda-api",
  },
  {
    packages: /^(kafkajs|@platformatic\/kafka|aws-msk-iam-sasl-signer-js)(\/|$)/,
    homes: /^lib\/kafka\//,
    name: "lib/kafka",
  },
  {
    packages: /^(aws-cdk-lib|aws-cdk|constructs|cdk-nag|@aws-cdk)(\/|$)/,
    homes: /^(infra|lib\/cdk)\//,
    name: "infra or lib/cdk",
  },
];

const BANNED_FOLDERS = ["utils", "util", "common", "types", "core", "helpers"];
export const FILE_LINES_MAX = 400;

const IMPURE_WORDS: readonly (readonly [RegExp, string])[] = [
  [/(?<![.\w$#])async\b(?!\s*[:?,;=)}\]])/g, "async"],
  [/(?<![.\w$#])await\b(?!\s*[:?,;=)}\]])/g, "await"],
  [/\)\s*:\s*Promise<[^{};]*>\s*(?:\{|=>)/g, "a function that returns a Promise"],
  [/(?<![.\w$#])Promise\s*\./g, "Promise"],
  [/\bnew\s+Promise\b/g, "new Promise"],
  [/\.then\s*\(/g, "then"],
  [/\bDate\s*\.\s*now\b/g, "Date.now"],
  [/\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\())/g, "new Date()"],
  [/\bperformance\s*\.\s*now\b/g, "performance.now"],
  [/\bMath\s*\.\s*random\b/g, "Math.random"],
  [/\bcrypto\s*\./g, "crypto"],
  [/(?<![.\w$#])process\s*(?:\?\.|\.|\[)/g, "process"],
  [/\bglobalThis\s*(?:\?\.|\.|\[)/g, "globalThis"],
  [/(?<![.\w$#])(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/g, "a timer"],
  [/(?<![.\w$#])fetch\s*\(/g, "fetch"],
  [/(?<![.\w$#])console\s*\./g, "console"],
];

export type Exception = {
  readonly path: string;
  /** A rule's name, or for imports the file or package that may be imported. */
  readonly allows: string;
  readonly reason: string;
};

type Problem = { readonly path: string; readonly line: number; readonly allows: string; readonly sentence: string };

/**
 * Checks a tree given as path (from the root, with slashes) to text.
 * Returns one sentence for each broken rule, and one for each exception that nothing needs.
 */
export function checkTidiness(
  files: Readonly<Record<string, string>>,
  exceptions: readonly Exception[] = [],
): readonly string[] {
  const problems = Object.entries(files).flatMap(([path, text]) => checkFile(path, text));
  const excepts = (exception: Exception, problem: Problem) =>
    exception.path === problem.path && exception.allows === problem.allows && exception.reason !== "";
  return [
    ...problems
      .filter((problem) => !exceptions.some((exception) => excepts(exception, problem)))
      .map(({ path, line, sentence }) => `${path}:${line} ${sentence}`),
    ...exceptions
      .filter((exception) => !problems.some((problem) => excepts(exception, problem)))
      .map(({ path, allows }) => `${path} has an exception that nothing needs, or no reason for it: ${allows}`),
  ];
}

function checkFile(path: string, text: string): Problem[] {
  const source = readSourceText(text);
  const problems: Problem[] = [];
  const report = (line: number, allows: string, sentence: string) => problems.push({ path, line, allows, sentence });

  const lines = text.replace(/\n$/, "").split("\n").length;
  if (lines > FILE_LINES_MAX) report(lines, "length", `is longer than ${FILE_LINES_MAX} lines`);

  for (const folder of path.split("/").slice(0, -1)) {
    if (BANNED_FOLDERS.includes(folder))
      report(1, "folder", `stands in a folder called ${folder}, which names nothing`);
  }

  for (const { specifier, line, isDynamic } of source.imports) {
    if (specifier === undefined) {
      if (path.startsWith("lib/")) report(line, "computed import", "imports something that only the run time knows");
      continue;
    }
    const target = specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier;
    const sentence = problemOfImport(path, target, specifier.startsWith("."));
    if (sentence !== undefined) report(line, target, isDynamic ? `${sentence} (dynamically)` : sentence);
  }

  if (path.startsWith("lib/")) problems.push(...checkLibFile(path, source));
  return problems;
}

function checkLibFile(path: string, source: SourceText): Problem[] {
  const problems: Problem[] = [];
  const folder = libFolderOf(path);
  if (path !== "lib/index.ts" && !LIB_FOLDERS.includes(folder)) {
    const sentence = "stands in no folder of the order; lib holds index.ts and those folders only";
    problems.push({ path, line: 1, allows: "folder", sentence });
  }
  if (!/\p{L}[\s\S]*[.!?](\s|$)/u.test(source.opening) || /^(biome|@ts|eslint)-/.test(source.opening)) {
    const sentence = "does not open with a comment sentence that says what it is";
    problems.push({ path, line: 1, allows: "opening", sentence });
  }
  if (folder in PURE_FOLDERS) {
    for (const [pattern, word] of IMPURE_WORDS) {
      for (const match of source.code.matchAll(pattern)) {
        const sentence = `uses ${word}, and ${folder} is pure`;
        problems.push({ path, line: lineAt(source.code, match.index), allows: word, sentence });
      }
    }
  }
  return problems;
}

function problemOfImport(path: string, target: string, isRelative: boolean): string | undefined {
  if (!isRelative) return problemOfPackage(path, target);
  if (!path.startsWith("lib/")) return undefined;
  if (!target.startsWith("lib/")) return `imports ${target}, and lib imports nothing outside of lib`;
  const from = libFolderOf(path);
  const to = libFolderOf(target);
  if (path === "lib/index.ts" || from === to) return undefined;
  if (NEVER_TOGETHER.some((pair) => pair.includes(from) && pair.includes(to))) {
    return `imports ${target}, and ${from} and ${to} never import each other`;
  }
  if (ALLOWED_AGAINST_ORDER.some(([importer, imported]) => importer === from && imported === to)) return undefined;
  // lib/index.ts is in no folder: it stands behind everything.
  if (!LIB_FOLDERS.includes(to) || LIB_FOLDERS.indexOf(to) > LIB_FOLDERS.indexOf(from)) {
    return `imports ${target}, and ${to === "" ? "the public API" : to} stands behind ${from}`;
  }
  return undefined;
}

function problemOfPackage(path: string, specifier: string): string | undefined {
  const isFree = /^(test|bench|torture)\//.test(path);
  for (const { packages, homes, name } of PACKAGE_HOMES) {
    if (packages.test(specifier) && !homes.test(path) && !isFree) {
      return `imports ${specifier}, whose home is ${name}`;
    }
  }
  if (!path.startsWith("lib/")) return undefined;
  if (/^millrace(\/|$)/.test(specifier)) return "imports millrace by name, which goes around the order of folders";
  const allowedModules = PURE_FOLDERS[libFolderOf(path)];
  const isBuiltin = specifier.startsWith("node:") || builtinModules.includes(specifier);
  if (allowedModules !== undefined && isBuiltin && !allowedModules.includes(specifier)) {
    return `imports ${specifier}, and ${libFolderOf(path)} is pure`;
  }
  return undefined;
}

/** "state-log" of lib/state-log/sqlite/entry.ts; empty for a file that stands directly in lib. */
function libFolderOf(path: string): string {
  const parts = path.split("/");
  return parts.length > 2 ? (parts[1] ?? "") : "";
}
