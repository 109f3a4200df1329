/** The state log in memory keeps the contract. */

import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import { testStateLog } from "../contracts/state-log.contract.ts";

testStateLog("the state log in memory", async () => {
  const log = new MemoryStateLog();
  return { log, close: () => log.close() };
});
