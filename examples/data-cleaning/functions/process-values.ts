/** The plain map: an operator without state, from topic to topic. */

import { operator, stream } from "millrace";
import { processedValues, values } from "./topics.ts";

export const handler = operator(
  "process-values",
  stream(values)
    .map((value) => `processed-${value}`)
    .to(processedValues),
);
