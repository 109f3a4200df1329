/** Where the elements of a sink go, from what an author gives to `to`. */

import type { AnyTable } from "./dynamo-table.ts";
import type { WriterSpec } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { SinkTarget } from "./node.ts";
import type { OutsideSpec } from "./sink.ts";
import { type AnyTopic, plainTarget } from "./topic.ts";

/** The target of a sink. Throws a MillraceError "definition" for what is none. */
export function toSinkTarget(given: AnyTopic | AnyTable | OutsideSpec | WriterSpec): SinkTarget {
  switch (given?.kind) {
    case "topic":
      return plainTarget(given);
    case "writer":
      return given.target;
    case "dynamo-table":
      return { kind: "table", table: given };
    case "outside-sink":
      return { kind: "outside", sink: given, client: given.client };
    default:
      given satisfies never;
      throw new MillraceError(
        "definition",
        "to() takes a topic, topic.from(…), topic.record(…), route(…), a dynamoTable(…) or a sink(…).",
      );
  }
}
