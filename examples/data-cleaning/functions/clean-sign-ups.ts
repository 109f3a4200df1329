/** Data cleaning: brings lines into one form, drops repeats, and keeps apart what cannot be mended. */

import { days, operator, stream } from "millrace";
import { cleanSignUps, rejectedSignUps, type SignUp, signUps } from "./topics.ts";

type Cleaned =
  | { readonly kind: "clean"; readonly signUp: SignUp }
  | { readonly kind: "rejected"; readonly line: string; readonly reason: string };

const { rejected, rest: clean } = stream(signUps)
  .filter((line) => line.trim() !== "")
  .map(cleanLine)
  .split({ rejected: (cleaned) => cleaned.kind === "rejected" });

export const handler = operator(
  "clean-sign-ups",
  clean
    .map(({ signUp }) => signUp)
    .keyBy(({ id }) => id)
    .deduplicate({ ttl: days(7) })
    .to(cleanSignUps),
  rejected.to(rejectedSignUps.from(({ line, reason }) => ({ line, reason }))),
);

function cleanLine(line: string): Cleaned {
  const fields = line.split(";").map((field) => field.trim().replaceAll(/\s+/g, " "));
  if (fields.length !== 4) return { kind: "rejected", line, reason: `${fields.length} fields instead of 4` };
  const [id, name, email, country] = fields as [string, string, string, string];
  if (!/^[^@ ]+@[^@ ]+\.[a-z]+$/i.test(email)) return { kind: "rejected", line, reason: "no e-mail address" };
  if (!/^[a-z]{2}$/i.test(country)) return { kind: "rejected", line, reason: "no country" };
  return { kind: "clean", signUp: { id, name, email: email.toLowerCase(), country: country.toUpperCase() } };
}
