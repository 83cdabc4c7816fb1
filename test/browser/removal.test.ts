import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundle } from "../../apps/remove-layernorm/test/browser/bundle.js";
import { launch } from "../../apps/remove-layernorm/test/browser/chromium.js";
import { serve, type Site } from "../../apps/remove-layernorm/test/browser/site.js";
import { readFiles } from "../removal-files.js";
import { complaints, expectedSteps, type RemovalSteps } from "../removal-steps.js";
import type { Reply } from "./removal.worker.js";
import { SOFTWARE } from "./software.js";

let site: Site;
let browser: Browser;
let expected: RemovalSteps;

beforeAll(async () => {
  const { code, imports } = await bundle(new URL("./removal.worker.ts", import.meta.url).href);
  expect(imports).toEqual([]);
  const files = await readFiles();
  expected = await expectedSteps(files);
  site = await serve(code, files);
  browser = await launch(SOFTWARE);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

// On webgpu they run in Node: test/webgpu/removal.test.ts.
it("twenty steps of a removal on webgl2 in a worker are those of the wasm engine", async () => {
  const page = await browser.newPage();
  await page.goto(site.url);
  const reply = await page.evaluate<Reply>('ask({ mode: "webgl2" })');
  await page.close();
  if ("error" in reply) throw new Error(`in the browser: ${reply.error}`);
  console.log(`the steps ran on ${reply.result.backend}`);
  expect(reply.result.backend).toContain("webgl2");
  expect(complaints(reply.result, expected)).toEqual([]);
}, 600_000);
