/** The stores of tables on this machine. */

import { DatabaseSync } from "node:sqlite";
import { MemoryTableStore } from "../../lib/tables/memory-table-store.ts";
import { SqliteTableStore } from "../../lib/tables/sqlite-table-store.ts";
import { testTableStore } from "../contracts/table-store.contract.ts";

testTableStore("tables in memory", async () => new MemoryTableStore());
testTableStore("tables in SQLite", async () => new SqliteTableStore(new DatabaseSync(":memory:")));
