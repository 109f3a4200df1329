/** Where a command works: what names servers, and that the process of a function is told the same. */

import { expect, test } from "vitest";
import { isOnServices, type PlaceOptions, toArguments } from "../../lib/cli/place.ts";

const EVERY: PlaceOptions = {
  app: "shop",
  state: "s",
  services: true,
  kafka: "k:9092",
  kafkaSettings: "kafka.json",
  dynamodb: "aws",
  profile: "p",
  snapshots: "s3://bucket/prefix",
  s3Endpoint: "http://127.0.0.1:9000",
};

test("a function's process is given every option", () => {
  const { services, kafkaSettings, s3Endpoint, ...same } = EVERY;
  const named = { ...same, "kafka-settings": kafkaSettings, "s3-endpoint": s3Endpoint };
  const given = toArguments(EVERY);
  for (const [name, value] of Object.entries(named)) {
    expect(given[given.indexOf(`--${name}`) + 1]).toBe(value);
  }
  expect(given).toHaveLength(1 + 2 * Object.keys(named).length);
  expect(given).toContain("--services");
});

test("each option but the folders asks for servers", () => {
  for (const [name, value] of Object.entries(EVERY))
    expect(isOnServices({ [name]: value }), name).toBe(name !== "app" && name !== "state");
});
