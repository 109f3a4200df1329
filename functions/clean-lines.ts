/** Tidies lines, one by one: an operator without state, from topic to topic. */

import { operator, stream } from "millrace";
import { cleanLines, lines } from "./topics.ts";

export const handler = operator(
  "clean-lines",
  stream(lines)
    .map((line) => line.trim().replaceAll(/\s+/g, " "))
    .filter((line) => line !== "")
    .to(cleanLines),
);
