import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle, type Bundle } from "./bundle.js";
import { launch } from "./chromium.js";
import { runInWorker, serve, type Site } from "./site.js";
import { type Result, type TaskName, tasks } from "./tasks.js";

let worker: Bundle;
let site: Site;
let browser: Browser;

type Simd = "relaxed" | "plain";
/** What Node gets, once for each build: its bits do not depend on threads. */
const inNode: Partial<Record<Simd, Result<"firstSteps">>> = {};
async function nodeSteps(simd: Simd) {
  return (inNode[simd] ??= await tasks.firstSteps({ simd, threads: 1 }));
}

beforeAll(async () => {
  worker = await bundle("./worker.ts");
  site = await serve(worker.code);
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

it("bundles the run and the engine for a browser without anything of Node", () => {
  expect(worker.imports).toEqual([]);
});

for (const simd of ["relaxed", "plain"] satisfies Simd[]) {
  for (const threads of [1, 2]) {
    const options = { simd, threads };
    describe(`a worker of an isolated page, ${simd} SIMD, ${threads} thread(s)`, () => {
      const inWorker = <N extends TaskName>(task: N) =>
        runInWorker(browser, `${site.url}/isolated`, task, options);

      it("takes the first steps of a run with the same bits as Node", async () => {
        const { isolated, result } = await inWorker("firstSteps");
        expect(isolated).toBe(true);
        expect(result.steps.map(({ phase, step }) => `${phase} ${step}`)).toEqual(
          ["control", "removal"].flatMap((phase) => [1, 2, 3, 4, 5].map((step) => `${phase} ${step}`)),
        );
        expect(result.removals).toHaveLength(9);
        const backend = `wasm, ${simd} SIMD, ${threads === 1 ? "1 thread" : `${threads} threads`}`;
        expect(result).toEqual({ ...(await nodeSteps(simd)), backend });
      });

      it("conforms to every kernel's contract", async () => {
        const { result } = await inWorker("conform");
        expect(result.failures).toEqual([]);
        expect(result.checks).toBeGreaterThan(100);
      });
    });
  }
}

it("runs on one thread, and says so, when the page is not isolated", async () => {
  const options = { simd: "relaxed", threads: 2 } as const;
  const { isolated, result } = await runInWorker(browser, site.url, "firstSteps", options);
  expect(isolated).toBe(false);
  const backend = "wasm, relaxed SIMD, 1 thread (page is not cross-origin isolated)";
  expect(result).toEqual({ ...(await nodeSteps("relaxed")), backend });
});

it("passes on what the engine says of an option that cannot be", async () => {
  const running = runInWorker(browser, `${site.url}/isolated`, "conform", { threads: 0.5 });
  await expect(running).rejects.toThrow("in the browser: BackendError: wasm: threads is 0.5");
});
