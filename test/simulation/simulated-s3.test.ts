/** Blobs in the simulated S3 keep the contract, unchanged; what it does at worst is what S3 may do. */

import { describe, expect, test } from "vitest";
import { type Network, PERFECT_NETWORK } from "../../lib/simulation/network.ts";
import { SimulatedS3 } from "../../lib/simulation/simulated-s3.ts";
import { S3BlobStore } from "../../lib/state-log/s3-blob-store.ts";
import { testBlobStore } from "../contracts/blob-store.contract.ts";
import { bytesOf, digestOf } from "../state-log/blobs.ts";

testBlobStore("blobs in a simulated S3", async (bucket) => {
  const s3 = new SimulatedS3({ now: () => 0 });
  const another = () => new S3BlobStore({ bucket, client: s3.client(PERFECT_NETWORK) });
  await another().open({ create: true });
  await another().open({ create: true });
  return {
    another,
    close: async () => {
      expect(s3.unknown).toEqual([]);
    },
  };
});

testBlobStore("blobs in a simulated S3 whose listings are short", async (bucket) => {
  const s3 = new SimulatedS3({ now: () => 0, buckets: [bucket] });
  const network = { ...PERFECT_NETWORK, occurs: (fault: string) => fault === "page-short" };
  return { another: () => new S3BlobStore({ bucket, client: s3.client(network) }), close: async () => {} };
});

describe("at worst", () => {
  const bucket = "blobs";
  const name = { task: "task", folder: "chunks/0-0", number: 1, attemptId: "a" };

  /** A store, and the faults that occur so many times. */
  function newWorld() {
    const s3 = new SimulatedS3({ now: () => 0, buckets: [bucket] });
    const left = new Map<string, number>();
    const drawn: number[] = [];
    const called: string[] = [];
    const network: Network = {
      call: (call, serve) => {
        called.push(call);
        return PERFECT_NETWORK.call(call, serve);
      },
      occurs: (fault) => {
        const times = left.get(fault) ?? 0;
        left.set(fault, times - 1);
        return times > 0;
      },
      below: (n) => Math.min(drawn.shift() ?? 0, n - 1),
    };
    return { s3, left, drawn, called, store: new S3BlobStore({ bucket, client: s3.client(network) }) };
  }

  test("a body that breaks off once is read again, and more than that is a failure", async () => {
    const { store, left, drawn } = newWorld();
    await store.put(name, bytesOf(1_000));
    left.set("body-cut", 1);
    drawn.push(500);
    expect(digestOf(await store.get(name, 1_000))).toBe(digestOf(bytesOf(1_000)));
    left.set("body-cut", 9);
    await expect(store.get(name, 1_000)).rejects.toMatchObject({ code: "state-store" });
  });

  test("bytes that are damaged are not taken for those that were put", async () => {
    const { store, s3 } = newWorld();
    await store.put(name, bytesOf(1_000));
    const [object] = s3.objects();
    s3.restore({ ...object!, bytes: bytesOf(1_000, 2) });
    await expect(store.get(name, 1_000)).rejects.toMatchObject({ code: "state-broken" });
    s3.deleteObject(object!);
    expect(await store.get(name, 1_000)).toBeUndefined();
  });

  test("a sweep may get through a part of its objects only, and the next takes the rest", async () => {
    const { store, s3, left } = newWorld();
    for (const number of [1, 2, 3, 4]) await store.put({ ...name, number }, bytesOf(1));
    left.set("deletion-failed", 2);
    await expect(store.sweep(name, 4)).rejects.toMatchObject({ code: "state-store" });
    expect(s3.objects()).toHaveLength(3);
    await store.sweep(name, 4);
    expect(s3.objects()).toHaveLength(1);
  });

  test.each(["throttled", "server-error"])("%s is a failure without a word on the effect", async (fault) => {
    const { store, s3, left, drawn } = newWorld();
    left.set(fault, 1);
    drawn.push(1);
    await expect(store.put(name, bytesOf(1))).rejects.toMatchObject({ code: "state-store" });
    expect(s3.objects()).toHaveLength(fault === "throttled" ? 0 : 1);
  });

  test("a request that the SDK repeats changes nothing more", async () => {
    const { store, s3, left, called } = newWorld();
    left.set("repeated-request", 2);
    await store.put(name, bytesOf(1));
    await store.delete(name);
    expect(called).toEqual(["PutObject", "PutObject", "DeleteObject", "DeleteObject"]);
    expect(s3.objects()).toEqual([]);
    expect(store.requests).toMatchObject({ put: 1, retries: 2 });
  });
});
