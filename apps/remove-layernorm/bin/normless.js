#!/usr/bin/env node
// Starts the built command; in a clone that was not built yet, says how to build it.
import { existsSync } from "node:fs";

const cli = new URL("../dist/cli.js", import.meta.url);
// Whoever reads a pipe may have seen enough: `normless generate … | head -c 100`.
process.stdout.on("error", (error) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

if (existsSync(cli)) {
  const { main } = await import(cli.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  console.error("normless is not built yet. In the root of the clone: npx turbo run build:run");
  process.exitCode = 1;
}
