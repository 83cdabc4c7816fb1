import { readFile } from "node:fs/promises";
import { kernelNames } from "@normless/tensor";
import type { GpuOptions } from "@normless/tensor/gpu";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle } from "../../apps/remove-layernorm/test/browser/bundle.js";
import { launch } from "../../apps/remove-layernorm/test/browser/chromium.js";
import { serve, type Site } from "../../apps/remove-layernorm/test/browser/site.js";
import { FIXTURE_FILES } from "../../packages/gpt2/test/fixture.js";
import type { Reply, Report } from "./gpu.worker.js";
import { SOFTWARE } from "./software.js";

let site: Site;
let browser: Browser;

beforeAll(async () => {
  const { code, imports } = await bundle(new URL("./gpu.worker.ts", import.meta.url).href);
  expect(imports).toEqual([]);
  const folder = new URL("../../packages/gpt2/test/fixtures/gpt2-nano/", import.meta.url);
  const files = FIXTURE_FILES.map(async (name) => [name, await readFile(new URL(name, folder))] as const);
  site = await serve(code, Object.fromEntries(await Promise.all(files)));
  browser = await launch(SOFTWARE);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

async function conform(options: GpuOptions): Promise<Report> {
  const page = await browser.newPage();
  try {
    await page.goto(site.url);
    const reply = await page.evaluate<Reply>(`ask(${JSON.stringify(options)})`);
    if ("error" in reply) throw new Error(`in the browser: ${reply.error}`);
    return reply.result;
  } finally {
    await page.close();
  }
}

describe("the GPU's kernels in a worker of Chromium", () => {
  const cases: { name: string; options: GpuOptions }[] = [
    { name: "webgl2", options: { mode: "webgl2" } },
    { name: "webgpu, in WGSL", options: { mode: "webgpu", webgpu: { tune: false } } },
  ];
  it.each(cases)(
    "conform to every contract and give PyTorch's values in $name",
    async ({ options }) => {
      const { description, kernels, pytorch, failures, liveBytes } = await conform(options);
      const ran = Object.entries(kernels).map(([name, { mode, passed }]) => `${name}: ${passed} in ${mode}`);
      console.log(`${description}\n${ran.join("\n")}`);
      expect(failures).toEqual([]);
      expect(pytorch.passed).toBe(pytorch.of);
      expect(pytorch.of).toBeGreaterThan(15);
      expect(Object.keys(kernels)).toEqual(kernelNames);
      expect(new Set(Object.values(kernels).map(({ mode }) => mode))).toEqual(new Set([options.mode]));
      expect(liveBytes).toBe(0);
    },
    300_000,
  );

  it("are refused in a mode that is missing, with the reason", async () => {
    await expect(conform({ mode: "headlessgl" })).rejects.toThrow(
      /mode headlessgl cannot run here: .*gl .*is not installed/,
    );
  });
});
