/** Loaded before a command (`node --import`): as the process ends, it writes how much memory it held at most, in bytes. */
import { writeFileSync } from "node:fs";

process.on("exit", () => {
  const file = process.env["BENCH_PEAK_FILE"];
  if (file !== undefined) writeFileSync(file, String(1024 * process.resourceUsage().maxRSS));
});
