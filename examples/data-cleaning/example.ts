/** Clean sign-ups as they were before the input was spoilt. */

import { type Example, expectIn } from "../example.ts";
import { cleanSignUps, processedValues, rejectedSignUps } from "./functions/topics.ts";
import { generateSignUps } from "./input.ts";

export const dataCleaning: Example = {
  name: "data-cleaning",
  title: "sign-ups in one form and without repeats, and the plain map processed-$value",
  plan(options) {
    const { records, clean, rejected, values, broken } = generateSignUps(options);
    return {
      waves: [{ what: "sign-ups and values", records }],
      expected: [
        expectIn(cleanSignUps, clean),
        expectIn(rejectedSignUps, rejected),
        expectIn(
          processedValues,
          values.map((value) => `processed-${value}`),
        ),
      ],
      deadLetters: { "clean-sign-ups": broken },
    };
  },
};
