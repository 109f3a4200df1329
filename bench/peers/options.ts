/** What the comparison is asked for on the command line. */

import { BY_HAND } from "./count-by-hand.ts";
import type { PeersOptions } from "./peers.ts";
import { SIDES } from "./sides.ts";

type Given = {
  readonly records?: string | undefined;
  readonly rounds?: string | undefined;
  readonly sides?: string | undefined;
};

/** A sentence where it cannot be done. */
export function readOptions({ records, rounds, sides }: Given): PeersOptions | string {
  const ids = [...SIDES.map(({ id }) => id), BY_HAND];
  const unknown = sides?.split(",").find((id) => !ids.includes(id));
  if (unknown !== undefined) return `There is no side "${unknown}"; there are ${ids.join(", ")}.`;
  for (const [name, value] of Object.entries({ records, rounds }))
    if (value !== undefined && !/^[1-9]\d*$/.test(value)) return `--${name} ${value} is not a whole number above 0.`;
  return {
    ...(records !== undefined && { records: Number(records) }),
    ...(rounds !== undefined && { rounds: Number(rounds) }),
    ...(sides !== undefined && { sides: sides.split(",") }),
  };
}
