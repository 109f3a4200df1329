/** Rows of text as a table with aligned columns. */

/** Columns are as wide as their widest cell; those in `right` (by index) are aligned to the right. Ends with a newline. */
export function formatTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const toLine = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return `${[heads, ...rows].map(toLine).join("\n")}\n`;
}
