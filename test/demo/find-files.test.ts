/** Arguments and the files that they mean. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findFiles } from "../../demo/find-files.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-files-"));
  for (const path of ["b.md", "a.md", "c.txt", "docs/d.md", "docs/deep/e.md", "docs/.git/f", "node_modules/p/g.md"]) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), "");
  }
  mkdirSync(join(folder, "empty"));
});

afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  [[], ["node_modules/p/g.md"]],
  [["c.txt"], ["c.txt"]],
  [["*.md"], ["a.md", "b.md"]],
  [["docs"], ["docs/d.md", "docs/deep/e.md"]],
  [["node_modules"], ["node_modules/p/g.md"]],
  [
    ["b.md", "**/*.md"],
    ["b.md", "a.md", "docs/d.md", "docs/deep/e.md", "node_modules/p/g.md"],
  ],
  [
    ["-", "a.md", "-"],
    ["-", "a.md"],
  ],
])("%j means %j", (inputs, files) => {
  const found = findFiles(inputs, folder);
  expect(found.map((path) => (path === "-" ? path : relative(folder, path)))).toEqual(files);
});

test.each([
  ["nope.md", 'There is no file or folder "nope.md".'],
  ["*.nope", 'No file matches "*.nope".'],
  ["empty", 'There is no file in the folder "empty".'],
])("%s is refused", (input, sentence) => {
  expect(() => findFiles([input], folder)).toThrow(expect.objectContaining({ code: "usage", message: sentence }));
});

test("a folder without Markdown under node_modules wants files", () => {
  expect(() => findFiles([], join(folder, "empty"))).toThrow(/^There is no Markdown file under .*; name files/);
});
