/** The command line of `npm run torture`. */

import { afterEach, expect, test, vi } from "vitest";
import { parseArguments } from "../../torture/arguments.ts";

const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
afterEach(() => written.mockClear());

test("says what to run, or draws a seed", () => {
  expect(parseArguments(["--records", "1000", "--kills", "0", "--seed", "7", "--json"])).toEqual({
    records: 1_000,
    kills: 0,
    seed: 7,
    json: true,
  });
  const drawn = parseArguments([]);
  expect(drawn).toMatchObject({ records: 1_000_000, kills: 50, json: false });
  expect((drawn as { seed: number }).seed).toBeGreaterThanOrEqual(0);
});

test.each([[["--records", "0"]], [["--kills", "-1"]], [["--seed", "x"]], [["--unknown"]], [["more"]]])(
  "refuses %j with a sentence",
  (args) => {
    expect(parseArguments(args)).toBe(2);
    expect(written).toHaveBeenCalled();
  },
);
