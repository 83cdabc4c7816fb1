/** `npm run test:peers`: pytest over the files beside this one, in an environment with the stock software. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { lens3Folder, peersPython } from "./environment.js";

const { status, error } = spawnSync(peersPython(), ["-m", "pytest", ...process.argv.slice(2)], {
  cwd: fileURLToPath(new URL(".", import.meta.url)),
  // What is tested is what is on this machine: nothing may be asked of the real hub.
  env: { ...process.env, HF_HUB_OFFLINE: "1", HF_DATASETS_OFFLINE: "1", LENS_3: lens3Folder() },
  stdio: "inherit",
});
if (error) process.stderr.write(`the stock peers did not run: ${error.message}\n`);
process.exit(status ?? 1);
