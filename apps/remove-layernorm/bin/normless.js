#!/usr/bin/env node
// Starts the built command; in a clone that was not built yet, says how to build it.
import { existsSync } from "node:fs";

const cli = new URL("../dist/cli.js", import.meta.url);
const argv = process.argv.slice(2);
// Whoever reads a pipe may have seen enough. `normless generate … | head -c 100` has nothing left to do; every other
// command still has files to write, and `normless remove 2>&1 | head` hours of work.
process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE") throw error;
  if (argv[0] === "generate") process.exit();
});
// Where progress cannot be written, be it a closed pipe or a terminal that is gone, nobody misses it.
process.stderr.on("error", () => {});

if (existsSync(cli)) {
  const { main } = await import(cli.href);
  process.exitCode = await main(argv);
} else {
  console.error("normless is not built yet. In the root of the clone: npx turbo run build:run");
  process.exitCode = 1;
}
