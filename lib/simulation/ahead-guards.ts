/** Guards of bundles that are sent ahead of their commit. */

import { at, type Guard } from "./guard.ts";

const READ_SHUFFLE = "runtime/read-shuffle.ts";
const SEND_AHEAD = "runtime/send-ahead.ts";
const PREPARED = "runtime/prepared-bundles.ts";

export const AHEAD_GUARDS: readonly Guard[] = [
  {
    name: "what is sent ahead counts for nobody before its release",
    invariant: "L5",
    without: "what was sent ahead of a commit that never came is counted",
    patches: [
      at(READ_SHUFFLE, "    if (isPrepared(bytes)) {\n      passed++;\n      continue;\n    }\n", ""),
      at(
        READ_SHUFFLE,
        "release === undefined ? bytes :",
        "isPrepared(bytes) ? decodePrepared(bytes).bundle : release === undefined ? bytes :",
      ),
      at(READ_SHUFFLE, "import { decodeRelease, isPrepared }", "import { decodePrepared, decodeRelease, isPrepared }"),
    ],
  },
  {
    name: "a commit names what was acknowledged",
    invariant: "L5",
    without: "a commit releases what may never have arrived, or stands elsewhere",
    patches: [
      at(
        SEND_AHEAD,
        "const offsets = await broker.produce(",
        "const offsets = await Promise.all(\n    ahead.map(async ({ topic, partition }) => (await broker.offsetRange(topic, partition))?.high ?? 0),\n  );\n  void broker.produce(",
      ),
      at(SEND_AHEAD, "  );\n  const offsetOf", "  ).catch(() => {});\n  const offsetOf"),
    ],
  },
  {
    name: "a released bundle that is not remembered is fetched",
    invariant: "O3",
    without: "a release is taken for a repeat where its bundle came with an earlier batch",
    patches: [
      at(
        PREPARED,
        "      if (value === undefined) {\n        fetched =",
        "      if (value?.length === 0) {\n        fetched =",
      ),
      at(
        PREPARED,
        "      if (bundle?.attemptId !== release.attemptId) throw",
        "      if (bundle === undefined) continue;\n      if (bundle?.attemptId !== release.attemptId) throw",
      ),
    ],
  },
  {
    name: "a released bundle is of the attempt that its release names",
    invariant: "L5",
    without: "another bundle is taken for the one that a commit has sent",
    patches: [at(PREPARED, "if (bundle?.attemptId !== release.attemptId)", "if (bundle === undefined)")],
    redundant:
      "an offset is acknowledged to one attempt; it tells of a topic that was made anew, or lost what it had acknowledged",
  },
  {
    name: "what repeats a release needs no bundle",
    invariant: "O2, O3",
    without: "a repeat stops its reader when retention has taken the bundle",
    patches: [
      at(
        PREPARED,
        "release !== undefined && !isTaken(upstream.get(release.task) ?? unheardUpstream(), release)",
        "release !== undefined && !isTaken({ ...(upstream.get(release.task) ?? unheardUpstream()), number: 0 }, release)",
      ),
    ],
  },
  {
    name: "a hole with nothing but what was sent ahead is gone through to its end",
    invariant: "O3",
    without: "an invocation succeeds although its records were not processed",
    patches: [
      at(
        "runtime/task.ts",
        "if (hasRest || (last !== undefined && evaluated.task.meta.checkpoint < last)) continue;",
        "if (hasRest) continue;",
      ),
    ],
  },
];
