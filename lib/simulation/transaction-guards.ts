/** Guards of topics that are written exactly once. */

import { at, type Guard } from "./guard.ts";

const TRANSACTIONS = "kafka/transactions.ts";

export const TRANSACTION_GUARDS: readonly Guard[] = [
  {
    name: "the number is read after the takeover",
    invariant: "transactions 2",
    without: "a transaction that ends meanwhile is written again",
    patches: [
      at(
        TRANSACTIONS,
        "    const identity = await whilePending(cluster, async () => {",
        '    const early = await cluster.askCoordinator("group", transactionalId, stableOffset(transactionalId, position)).catch(() => undefined);\n    const identity = await whilePending(cluster, async () => {',
      ),
      at(
        TRANSACTIONS,
        '    const last = await whilePending(cluster, () =>\n      cluster.askCoordinator("group", transactionalId, stableOffset(transactionalId, position)),\n    );',
        "    const last = early;",
      ),
    ],
  },
  {
    name: "the number is read as stable",
    invariant: "transactions 2",
    without: "the number from before the last transaction is believed",
    patches: [at("kafka/requests.ts", ".boolean(true)", ".boolean(false)")],
    redundant:
      "Kafka answers a takeover only when the end of the transaction before stands everywhere, in the group's offset too; it counts where Kafka loses ends (KAFKA-20734), which test/contracts/transactions.contract.ts makes it do",
  },
  {
    name: "the number is part of the transaction",
    invariant: "transactions 1",
    without: "batches are there and their number is not, or the other way round",
    patches: [
      at(
        TRANSACTIONS,
        '  await cluster.askCoordinator("group", id, txnOffsetCommit(id, writer, id, position, sequenceNumber));\n',
        "",
      ),
      at(
        TRANSACTIONS,
        '    await cluster.askCoordinator("transaction", id, commitTxn(id, writer));',
        '    await cluster.askCoordinator("transaction", id, commitTxn(id, writer));\n    await cluster.askCoordinator("group", id, commitOffset(id, position, sequenceNumber));',
      ),
      at(
        TRANSACTIONS,
        'import { stableOffset } from "./requests.ts";',
        'import { commitOffset, stableOffset } from "./requests.ts";',
      ),
    ],
  },
  {
    name: "what is prepared for one commit is not the number of another",
    invariant: "transactions 1",
    without: "a number that was prepared for a commit that lost its race is written with the next one",
    patches: [
      at(TRANSACTIONS, "if (writer.numbered === sequenceNumber) return;", "if (writer.numbered !== undefined) return;"),
    ],
  },
  {
    name: "a writer is used until its first failure",
    invariant: "transactions 3",
    without: "what was written before a failure is committed with what comes after it",
    patches: [at(TRANSACTIONS, "    this.#writers.delete(transactionalId);\n", "")],
  },
  {
    name: "a failed send is followed by no commit",
    invariant: "transactions 3",
    without: "a number is there whose batches are not",
    patches: [at(TRANSACTIONS, '    if (written.status === "rejected") throw written.reason;\n', "")],
  },
  {
    name: "a number is written once",
    invariant: "transactions 1",
    without: "what a dead writer has written is written again",
    patches: [
      at(TRANSACTIONS, "if (writer.last === undefined || writer.last < sequenceNumber) {", "if (sequenceNumber > 0) {"),
    ],
  },
];
