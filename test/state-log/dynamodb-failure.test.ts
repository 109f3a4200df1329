/** What DynamoDB's failures are called in sentences. */

import { describe, expect, test } from "vitest";
import { toStoreFailure } from "../../lib/state-log/dynamodb-failure.ts";
import { MillraceError } from "../../lib/stream/error.ts";

const PLACE = { table: "counts", at: "eu-west-1", operation: "PutItem", deadlineMs: 8_000 };

const failure = (name: string, message: string, more: object = {}) =>
  Object.assign(new Error(message), { name, ...more });

describe("a failure of DynamoDB", () => {
  test.each([
    [
      "a missing table",
      failure("ResourceNotFoundException", "Requested resource not found"),
      'There is no table "counts"',
    ],
    [
      "throttling",
      failure("ThrottlingException", "Rate of requests exceeds the allowed throughput."),
      "throttles table",
    ],
    ["no credentials", failure("CredentialsProviderError", "Could not load credentials"), "refuses the credentials"],
    ["expired credentials", failure("ExpiredTokenException", "The token is expired."), "The token is expired. Check"],
    ["no permission", failure("AccessDeniedException", "not authorized"), "not authorized. Check which identity"],
    [
      "an item that is too large",
      failure("ValidationException", "Item size has exceeded the maximum allowed size"),
      "too large (above 400 KB)",
    ],
    ["a refused connection", failure("Error", "", { code: "ECONNREFUSED" }), "cannot be reached for table"],
    [
      "connections refused at each of two addresses",
      Object.assign(new AggregateError([failure("Error", "", { code: "ECONNREFUSED" })]), { name: "AggregateError" }),
      "(ECONNREFUSED)",
    ],
    ["an unknown host", failure("Error", "getaddrinfo", { code: "ENOTFOUND" }), "(ENOTFOUND)"],
    ["a reset, which is called a time-out", failure("TimeoutError", "reset", { code: "ECONNRESET" }), "(ECONNRESET)"],
    ["a time-out", failure("TimeoutError", "timed out"), "did not answer PutItem"],
    ["the end of the whole call", failure("AbortError", "aborted"), "Whether it took effect is not known"],
    ["anything else", failure("InternalServerError", "Internal server error."), "Internal server error (Internal"],
  ])("%s is a sentence with the code state-store", (_, error, sentence) => {
    const result = toStoreFailure(error, PLACE);
    expect(result).toMatchObject({ code: "state-store", cause: error, message: expect.stringContaining(sentence) });
    expect((result as Error).message).toContain('"counts"');
    expect((result as Error).message).toMatch(/\.$/);
  });

  test("never says that a write did not take effect", () => {
    for (const name of ["TimeoutError", "AbortError", "InternalServerError"])
      expect((toStoreFailure(failure(name, "x"), PLACE) as Error).message).not.toMatch(/not committed|was not/);
  });

  test("that has its sentence already keeps it", () => {
    const error = new MillraceError("state-broken", "It is broken.");
    expect(toStoreFailure(error, PLACE)).toBe(error);
  });
});
