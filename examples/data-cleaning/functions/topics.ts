/** Sign-ups as people and old systems write them, what is left of them, and values for the simplest operator there is. */

import { json, text, topic } from "millrace";

/** Lines of `id;name;e-mail;country`, with all that goes wrong in forms and exports. */
export const signUps = topic("sign-ups", { value: text() });

export type SignUp = {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly country: string;
};

/** Each person once, in one form. */
export const cleanSignUps = topic("clean-sign-ups", { key: text(), value: json<SignUp>() });

/** Lines that cannot be mended, and why. */
export const rejectedSignUps = topic("rejected-sign-ups", { value: json<{ line: string; reason: string }>() });

export const values = topic("values", { value: text() });
export const processedValues = topic("processed-values", { value: text() });
