/**
 * One format's search in a process of its own, watched from outside: a case that takes too long or too much memory is one
 * that was found, too. Told by the process that forks it, which is told the result.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { bundle } from "./bundle.js";

/** What one case may take: seconds, and MiB of the process. */
const SECONDS = 10;
const MEMORY = 2048;
/** Of the shared state, as search.ts has it. */
const [HEAD_BYTES, STATE_BYTES] = [8, 8 + 2 * 8192];

const here = fileURLToPath(new URL(".", import.meta.url));

const filesIn = (folder) => {
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder)
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(folder, name))));
};
const save = (folder, bytes) => {
  const path = join(folder, createHash("sha1").update(bytes).digest("hex").slice(0, 16));
  writeFileSync(path, bytes);
  return path;
};

async function watch({ format, cases, seed }) {
  const outfile = join(here, "dist", `${format}.cjs`);
  await bundle(format, outfile);
  const [corpus, findings] = ["corpus", "findings"].map((kind) => join(here, kind, format));
  const files = [...filesIn(findings), ...filesIn(corpus)];
  const state = new SharedArrayBuffer(STATE_BYTES);
  const head = new Int32Array(state, 0, 2);
  const worker = new Worker(outfile, {
    workerData: { cases, seed, files, state },
    resourceLimits: { maxOldGenerationSizeMb: MEMORY / 2 },
  });
  const found = await new Promise((resolve) => {
    const endsBy = (message) => {
      const bytes = new Uint8Array(state, HEAD_BYTES).slice(0, head[1]);
      resolve({
        cases: Atomics.load(head, 0),
        slowest: 1000 * SECONDS,
        files: [],
        fault: { message, bytes },
      });
    };
    let last = { case: 0, at: performance.now() };
    const timer = setInterval(() => {
      const now = { case: Atomics.load(head, 0), at: performance.now() };
      if (now.case !== last.case) last = now;
      else if (last.case > 0 && now.at - last.at > 1000 * SECONDS) endsBy(`it takes more than ${SECONDS} s`);
      if (process.memoryUsage.rss() > MEMORY * 2 ** 20) endsBy(`the process has more than ${MEMORY} MiB`);
    }, 200).unref();
    worker.on("message", (message) => {
      clearInterval(timer);
      resolve(message);
    });
    worker.on("error", (error) => endsBy(`the worker ended: ${error.message}`));
    worker.on("exit", () => endsBy("the worker ended"));
  });
  void worker.terminate();
  // What reached something new is what the next search begins with.
  rmSync(corpus, { recursive: true, force: true });
  mkdirSync(corpus, { recursive: true });
  for (const bytes of found.files) save(corpus, bytes);
  const memory = process.resourceUsage().maxRSS * 1024;
  const { user, system } = process.cpuUsage();
  const fault = found.fault && { message: found.fault.message, path: save(findings, found.fault.bytes) };
  return {
    format,
    cases: found.cases,
    slowest: found.slowest,
    memory,
    seconds: (user + system) / 1e6,
    kept: found.files.length,
    coverage: found.coverage,
    reader: found.reader,
    fault,
  };
}

process.once("message", async (asked) => {
  const result = await watch(asked);
  process.send(result, () => process.exit());
});
