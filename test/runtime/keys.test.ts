/** Keys: composite ones, those of topics, and what happens to elements without one. */

import {
  at,
  json,
  milliseconds,
  monotonic,
  operator,
  records,
  stream,
  testDriver,
  text,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";

type Visit = { readonly tenant: string | null; readonly id: string | number; readonly n?: number };

const visits = topic("visits", { key: text(), value: json<Visit>(), watermark: monotonic() });
const out = topic("out", { value: text() });

describe("a composite key", () => {
  test("keeps its parts apart and their types", async () => {
    const counting = operator(
      "counting",
      stream(visits)
        .keyBy((v) => [v.tenant ?? "none", v.id])
        .count()
        .to(out.from(({ key, value }) => `${JSON.stringify(key)} ${value}`)),
    );
    await using driver = await testDriver(counting, { partitions: 4 });
    const ids: Visit[] = [
      { tenant: "a", id: "1" },
      { tenant: "a", id: 1 },
      { tenant: "a", id: "1" },
      { tenant: "a,1", id: "" },
      { tenant: "", id: "a,1" },
    ];
    for (const visit of ids) await driver.send(visits, visit);
    expect((await driver.read(out)).sort()).toEqual([
      '["","a,1"] 1',
      '["a","1"] 1',
      '["a","1"] 2',
      '["a",1] 1',
      '["a,1",""] 1',
    ]);
  });
});

describe("keyedByTopicKey", () => {
  const perKey = operator(
    "per-key",
    stream(visits)
      .keyedByTopicKey()
      .window(tumbling(milliseconds(5_000)))
      .count()
      .to(out.from(({ key, value, window }) => `${window.startMs} ${key} ${value}`)),
  );

  test("takes the record's key and spares the shuffle", async () => {
    await using driver = await testDriver(perKey);
    const visit: Visit = { tenant: "a", id: 1 };
    await driver.send(visits, at(1_000, visit, { key: "k1" }), at(2_000, visit, { key: "k2" }));
    await driver.send(visits, at(3_000, visit, { key: "k1" }), at(5_000, visit, { key: "k3" }));
    expect((await driver.read(out)).sort()).toEqual(["0 k1 2", "0 k2 1"]);
    expect(new Set(driver.reports.map(({ functionName }) => functionName))).toEqual(new Set(["per-key"]));
  });

  test("drops and counts records without a key, and nothing else", async () => {
    await using driver = await testDriver(perKey);
    const visit: Visit = { tenant: "a", id: 1 };
    await driver.send(visits, at(1_000, visit), at(2_000, visit, { key: "k" }), at(3_000, visit));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["0 k 1"]);
    expect(driver.reports.reduce((sum, { nullKeys }) => sum + nullKeys, 0)).toBe(2);
    expect(await driver.deadLetters(perKey)).toEqual([]);
  });
});

describe("a null key", () => {
  test("drops the element and counts it, before a shuffle as elsewhere", async () => {
    const counting = operator(
      "counting",
      stream(visits)
        .keyBy((v) => v.tenant)
        .count()
        .to(out.from(({ key, value }) => `${key} ${value}`)),
    );
    await using driver = await testDriver(counting);
    await driver.send(visits, { tenant: "a", id: 1 }, { tenant: null, id: 2 }, { tenant: "a", id: 3 });
    expect(await driver.read(out)).toEqual(["a 1", "a 2"]);
    expect(driver.reports.reduce((sum, { nullKeys }) => sum + nullKeys, 0)).toBe(1);
    expect(await driver.deadLetters(counting)).toEqual([]);
  });
});

describe("records()", () => {
  test("gives key, value, headers, timestamp and position", async () => {
    const looking = operator(
      "looking",
      records(visits).to(
        out.from(({ key, value, headers, timestampMs, topic: name, partition, offset }) =>
          JSON.stringify([key, value.id, headers, timestampMs, name, partition, String(offset), typeof offset]),
        ),
      ),
    );
    await using driver = await testDriver(looking, { partitions: 2 });
    await driver.send(
      visits,
      at(1_000, { tenant: "a", id: 1 }, { key: "k", partition: 1, headers: { trace: "é", __proto__x: "" } }),
      at(2_000, { tenant: "a", id: 2 }, { partition: 1 }),
    );
    expect((await driver.read(out)).map((line) => JSON.parse(line))).toEqual([
      ["k", 1, { trace: "é", __proto__x: "" }, 1_000, "visits", 1, "0", "bigint"],
      [null, 2, {}, 2_000, "visits", 1, "1", "bigint"],
    ]);
  });
});
