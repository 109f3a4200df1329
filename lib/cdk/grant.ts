/** What a role may do, as data: from here come the policy and, where a resource is named with a wildcard, the reason that an auditor reads. */

import { MillraceError } from "../stream/error.ts";

export type Grant = {
  /** Never with a wildcard. */
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, readonly string[] | string>>>>;
  /** Why a resource has a wildcard in its name; needed where one has. */
  readonly reason?: string;
};

/** Throws where a grant is wider than it says why: a mistake of ours. */
export function assertNarrow(grants: readonly Grant[]): void {
  for (const { actions, resources, reason } of grants) {
    const wildcard = [...actions, ...(reason === undefined ? resources : [])].find((name) => name.includes("*"));
    if (wildcard !== undefined)
      throw new MillraceError("definition", `A grant of ${actions.join()} names "${wildcard}" without a reason.`);
  }
}
