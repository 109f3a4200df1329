/** Grants as statements of a role's policy, with the reasons of those that are wide. */

import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";
import { acknowledgeWildcard } from "./acknowledge.ts";
import { assertNarrow, type Grant } from "./grant.ts";

/** Adds the grants to the role's policy. */
export function addGrants(role: Role, grants: readonly Grant[]): void {
  assertNarrow(grants);
  for (const { actions, resources, conditions } of grants)
    role.addToPolicy(
      new PolicyStatement({
        actions: [...actions],
        resources: [...resources],
        ...(conditions !== undefined && { conditions }),
      }),
    );
  for (const { resources, reason } of grants)
    for (const resource of resources)
      if (reason !== undefined && resource.includes("*")) acknowledgeWildcard(role, resource, reason);
}
