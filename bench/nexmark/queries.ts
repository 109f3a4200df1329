/** The queries by name: what each asks, the operator that answers it, and the reference that knows the answer. */

import type { OutsideSink } from "millrace";
import type { Operator } from "../../lib/runtime/operator-handler.ts";
import type { AnyTopic } from "../../lib/stream/topic.ts";
import * as q0 from "./functions/q0.ts";
import * as q1 from "./functions/q1.ts";
import * as q2 from "./functions/q2.ts";
import * as q3 from "./functions/q3.ts";
import * as q4 from "./functions/q4.ts";
import * as q5 from "./functions/q5.ts";
import * as q6 from "./functions/q6.ts";
import * as q7 from "./functions/q7.ts";
import * as q8 from "./functions/q8.ts";
import * as q9 from "./functions/q9.ts";
import * as q10 from "./functions/q10.ts";
import * as q11 from "./functions/q11.ts";
import * as q12 from "./functions/q12.ts";
import * as q13 from "./functions/q13.ts";
import * as q14 from "./functions/q14.ts";
import * as q15 from "./functions/q15.ts";
import * as q16 from "./functions/q16.ts";
import * as q17 from "./functions/q17.ts";
import * as q18 from "./functions/q18.ts";
import * as q19 from "./functions/q19.ts";
import * as q20 from "./functions/q20.ts";
import * as q21 from "./functions/q21.ts";
import * as q22 from "./functions/q22.ts";
import * as joins from "./references/joins.ts";
import type { Reference } from "./references/reference.ts";
import * as stateless from "./references/stateless.ts";
import * as statistics from "./references/statistics.ts";
import * as windows from "./references/windows.ts";

export type Query = {
  readonly name: string;
  readonly title: string;
  readonly operator: Operator;
  readonly results: AnyTopic | OutsideSink<never>;
  readonly reference: Reference;
  /** Where a result replaces an earlier one: what the two have in common. The reference knows the last ones. */
  readonly replacedBy: readonly string[] | undefined;
  /** Whether results depend on the order in which elements of several tasks come: then the reference knows that of one. */
  readonly isOrdered?: boolean;
};

export const QUERIES: readonly Query[] = [
  query("q0", "pass through", q0, stateless.q0),
  query("q1", "currency conversion", q1, stateless.q1),
  query("q2", "selection", q2, stateless.q2),
  query("q3", "local item suggestion", q3, joins.q3),
  query("q4", "average price for a category", q4, joins.q4, ["id"]),
  query("q5", "hot items", q5, windows.q5),
  { ...query("q6", "average selling price by seller", q6, joins.q6), isOrdered: true },
  query("q7", "highest bid", q7, windows.q7),
  query("q8", "monitor new users", q8, windows.q8),
  query("q9", "winning bids", q9, joins.q9),
  query("q10", "log to file system", q10, stateless.q10),
  query("q11", "user sessions", q11, windows.q11),
  query("q12", "windows of the clock", q12, windows.q12),
  query("q13", "bounded side input join", q13, stateless.q13),
  query("q14", "calculation", q14, stateless.q14),
  query("q15", "bidding statistics", q15, statistics.q15, ["day"]),
  query("q16", "channel statistics", q16, statistics.q16, ["channel", "day"]),
  query("q17", "auction statistics", q17, statistics.q17, ["auction", "day"]),
  query("q18", "last bid", q18, statistics.q18, ["bidder", "auction"]),
  query("q19", "auction top ten", q19, statistics.q19, ["auction", "rank_number"]),
  query("q20", "expand bid with auction", q20, joins.q20),
  query("q21", "add channel id", q21, stateless.q21),
  query("q22", "get URL directories", q22, stateless.q22),
];

type QueryFile = Pick<Query, "results"> & { readonly handler: Operator };

function query(
  name: string,
  title: string,
  { handler, results }: QueryFile,
  reference: Reference,
  replacedBy?: readonly string[],
): Query {
  return { name, title, operator: handler, results, reference, replacedBy };
}
