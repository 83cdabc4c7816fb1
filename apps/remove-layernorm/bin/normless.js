#!/usr/bin/env node
// Starts the built command; in a clone that was not built yet, says how to build it.
import { closeSync, existsSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { isatty } from "node:tty";

const cli = new URL("../dist/cli.js", import.meta.url);
const argv = process.argv.slice(2);
// Whoever reads a pipe may have seen enough. `normless generate … | head -c 100` has nothing left to do; every other
// command still has files to write, and `normless remove 2>&1 | head` hours of work. EIO is a terminal that was closed.
process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
  if (argv[0] === "generate") process.exit();
});
// Where progress cannot be written, be it a closed pipe or a terminal that is gone, nobody misses it.
process.stderr.on("error", () => {});
// Node would give a terminal its modes back at the end, and aborts where it is gone; of another file there it does not.
const terminals = [0, 1, 2].filter((fd) => isatty(fd));
process.on("exit", () => {
  for (const fd of terminals.filter((fd) => !isatty(fd))) {
    closeSync(fd);
    openSync(devNull, "r+");
  }
});

if (existsSync(cli)) {
  const { main } = await import(cli.href);
  process.exitCode = await main(argv);
} else {
  console.error("normless is not built yet. In the root of the clone: npx turbo run build:run");
  process.exitCode = 1;
}
