/** The examples at the end of a command's help. */

/** Command lines with what they do, one below the other. */
export function examples(lines: readonly (readonly [commandLine: string, meaning: string])[]): string {
  return `\nExamples:\n${lines.map(([commandLine, meaning]) => `  $ ${commandLine}\n      ${meaning}`).join("\n")}`;
}
