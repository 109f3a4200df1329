/** What functions may do outside of Kafka and the state: read the secrets that their code declares, and write rows into its tables. */

import type { FunctionPlan } from "../stream/plan.ts";
import type { Grant } from "./grant.ts";

/** A secret's ARN ends with six characters that only Secrets Manager knows. */
const SECRET_SUFFIX = "-??????";

/** `secretArn`: the ARN of a secret without its suffix. */
export function secretGrants({ uses }: FunctionPlan, secretArn: (name: string) => string): readonly Grant[] {
  const secrets = uses.filter(({ kind }) => kind === "secret");
  if (secrets.length === 0) return [];
  return [
    {
      actions: ["secretsmanager:GetSecretValue"],
      resources: secrets.map(({ name }) => `${secretArn(name)}${SECRET_SUFFIX}`),
    },
  ];
}

export function rowGrants({ tableOutputs }: FunctionPlan, tableArn: (name: string) => string): readonly Grant[] {
  const arns = [...new Set(tableOutputs.map(({ tableName }) => tableArn(tableName)))];
  return arns.length === 0 ? [] : [{ actions: ["dynamodb:PutItem"], resources: arns }];
}
