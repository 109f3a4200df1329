/** The queries by name: what each asks, the operator that answers it, and the reference that knows the answer. */

import type { Operator } from "../../lib/runtime/operator-handler.ts";
import type { AnyTopic } from "../../lib/stream/topic.ts";
import * as q0 from "./functions/q0.ts";
import * as q1 from "./functions/q1.ts";
import * as q2 from "./functions/q2.ts";
import * as q5 from "./functions/q5.ts";
import * as q7 from "./functions/q7.ts";
import * as q8 from "./functions/q8.ts";
import * as q11 from "./functions/q11.ts";
import * as q12 from "./functions/q12.ts";
import type { Reference } from "./references/reference.ts";
import * as stateless from "./references/stateless.ts";
import * as windows from "./references/windows.ts";

export type Query = {
  readonly name: string;
  readonly title: string;
  readonly operator: Operator;
  readonly results: AnyTopic;
  readonly reference: Reference;
};

export const QUERIES: readonly Query[] = [
  query("q0", "pass through", q0, stateless.q0),
  query("q1", "currency conversion", q1, stateless.q1),
  query("q2", "selection", q2, stateless.q2),
  query("q5", "hot items", q5, windows.q5),
  query("q7", "highest bid", q7, windows.q7),
  query("q8", "monitor new users", q8, windows.q8),
  query("q11", "user sessions", q11, windows.q11),
  query("q12", "windows of the clock", q12, windows.q12),
];

type QueryFile = { readonly handler: Operator; readonly results: AnyTopic };

function query(name: string, title: string, { handler, results }: QueryFile, reference: Reference): Query {
  return { name, title, operator: handler, results, reference };
}
