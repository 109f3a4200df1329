/** Watermarks that must compile, and infer exactly this. Checked by tsc; never run. */

import {
  boundedOutOfOrderness,
  customWatermark,
  json,
  minutes,
  punctuated,
  records,
  seconds,
  stream,
  topic,
} from "millrace";
import { type Access, access, type Equal, expectType } from "./prelude.ts";

type Reading = { readonly n: number; readonly mark?: number };

// In a declaration the element's type is said; the rest follows.
const readings = topic("readings", {
  value: json<Reading>(),
  watermark: punctuated((reading: Reading) => reading.mark, { idleAfter: seconds(30), bound: seconds(5) }),
});
topic("others", {
  value: json<Reading>(),
  watermark: customWatermark({
    create: () => ({ newestMs: 0 }),
    onEvent(reading: Reading, { state, timestampMs }) {
      expectType<Equal<typeof state, { newestMs: number }>>();
      state.newestMs = Math.max(timestampMs, reading.n);
    },
    onPeriodic: ({ state, processingTimeMs }) => Math.min(state.newestMs, processingTimeMs),
    every: minutes(1),
  }),
});

// Where a topic is read all is inferred.
stream(access, {
  watermark: punctuated((a) => {
    expectType<Equal<typeof a, Access>>();
    return a.at;
  }),
});
records(readings, { watermark: punctuated(({ value, timestampMs }) => value.mark ?? timestampMs) });

// One that looks at no elements suits all topics.
const any = customWatermark({ onPeriodic: ({ processingTimeMs }) => processingTimeMs });
stream(access, { watermark: any });
stream(readings, { watermark: any });
stream(readings, { watermark: boundedOutOfOrderness(seconds(1)) });
