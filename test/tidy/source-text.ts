/** Reads just enough TypeScript to find imports and words in code, and not in comments, strings or regular expressions. */

export type SourceText = {
  /** The text with comments and the insides of strings, templates and regular expressions blanked; offsets stay. */
  readonly code: string;
  readonly imports: readonly SourceImport[];
  /** The text of the comment that opens the file, without its marks; empty where code stands first. */
  readonly opening: string;
};

export type SourceImport = {
  readonly line: number;
  /** undefined: a dynamic import whose target is computed. */
  readonly specifier: string | undefined;
  readonly isDynamic: boolean;
};

/** After these a slash starts a regular expression, after any other word or bracket it divides. */
const BEFORE_REGEX = /(?:^|[=(,:;[!&|?{}+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|throw|yield|await))\s*$/;

const STATIC_IMPORT = /(?:\bfrom|(?<![.\w$])import)\s*(["'])/g;
const DYNAMIC_IMPORT = /(?<![.\w$#])(?:import|require)\s*\(\s*(["'`]?)/g;

export function readSourceText(text: string): SourceText {
  const code = blank(text);
  const imports: SourceImport[] = [];
  for (const [pattern, isDynamic] of [
    [STATIC_IMPORT, false],
    [DYNAMIC_IMPORT, true],
  ] as const) {
    for (const match of code.matchAll(pattern)) {
      const quote = match[1] ?? "";
      const start = match.index + match[0].length;
      const end = quote === "" ? -1 : code.indexOf(quote, start);
      const isComputed = end < 0 || (quote === "`" && text.slice(start, end).includes("${"));
      imports.push({
        line: lineAt(text, match.index),
        specifier: isComputed ? undefined : text.slice(start, end),
        isDynamic,
      });
    }
  }
  return { code, imports, opening: openingComment(text) };
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function openingComment(text: string): string {
  const body = text.replace(/^#!.*\n/, "").trimStart();
  if (body.startsWith("/*")) {
    return body
      .slice(2, body.indexOf("*/"))
      .replace(/^\s*\*+ ?/gm, "")
      .trim();
  }
  const lines = body.split("\n");
  const count = lines.findIndex((line) => !line.startsWith("//"));
  return lines
    .slice(0, count < 0 ? lines.length : count)
    .map((line) => line.slice(2))
    .join("\n")
    .trim();
}

function blank(text: string): string {
  const out = text.split("");
  const hide = (from: number, to: number) => {
    for (let at = from; at < to && at < out.length; at += 1) if (out[at] !== "\n") out[at] = " ";
  };
  /** For each open template literal, how many braces are open inside its current `${`. */
  const templates: number[] = [];
  let at = text.startsWith("#!") ? endOf(text, "\n", 0) : 0;
  hide(0, at);
  while (at < text.length) {
    const char = text[at];
    const start = at;
    if (text.startsWith("//", at)) {
      at = endOf(text, "\n", at);
      hide(start, at);
    } else if (text.startsWith("/*", at)) {
      at = endOf(text, "*/", at + 2);
      hide(start, at);
    } else if (char === '"' || char === "'") {
      at = skipQuoted(text, at + 1, char);
      hide(start + 1, at - 1);
    } else if (char === "`" || (char === "}" && templates.at(-1) === 0)) {
      if (char === "}") templates.pop();
      at = skipTemplate(text, at + 1);
      const opensExpression = text.startsWith("${", at - 2);
      hide(start + 1, at - (opensExpression ? 2 : 1));
      if (opensExpression) templates.push(0);
    } else if (char === "/" && BEFORE_REGEX.test(out.slice(Math.max(0, at - 80), at).join(""))) {
      at = skipRegex(text, at + 1);
      hide(start + 1, at - 1);
    } else {
      const depth = templates.at(-1);
      if (depth !== undefined && char === "{") templates[templates.length - 1] = depth + 1;
      if (depth !== undefined && char === "}") templates[templates.length - 1] = depth - 1;
      at += 1;
    }
  }
  return out.join("");
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + mark.length;
}

function skipQuoted(text: string, from: number, quote: string): number {
  let at = from;
  while (at < text.length && text[at] !== quote && text[at] !== "\n") at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** To behind the closing backtick or behind the next `${`. */
function skipTemplate(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== "`") {
    if (text.startsWith("${", at)) return at + 2;
    at += text[at] === "\\" ? 2 : 1;
  }
  return at + 1;
}

function skipRegex(text: string, from: number): number {
  let at = from;
  let isInClass = false;
  while (at < text.length && text[at] !== "\n" && (isInClass || text[at] !== "/")) {
    if (text[at] === "[") isInClass = true;
    if (text[at] === "]") isInClass = false;
    at += text[at] === "\\" ? 2 : 1;
  }
  return at + 1;
}
