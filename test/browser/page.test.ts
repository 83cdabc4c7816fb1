/** examples/page, opened in Chromium: on WebGPU, and where there is none. */
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundle } from "../../apps/remove-layernorm/test/browser/bundle.js";
import { launch } from "../../apps/remove-layernorm/test/browser/chromium.js";
import { serve } from "../../examples/page/src/serve.js";
import { SOFTWARE } from "./software.js";

const sources = new URL("../../examples/page/src/", import.meta.url);
let site: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  const [page, worker] = await Promise.all(
    ["page.ts", "worker.ts"].map((name) => bundle(new URL(name, sources).href)),
  );
  const html = await readFile(new URL("public/index.html", sources), "utf8");
  site = await serve({ "index.html": html, "page.js": page.code, "worker.js": worker.code }, 0);
});
afterAll(() => site?.close());

/** Opens the page and waits until it says more than 99 %. @throws what the page's scripts throw, and what it says of a failure */
async function learnt(browser: Browser): Promise<Page> {
  const page = await browser.newPage();
  const failed = new Promise<never>((_, reject) => page.once("pageerror", reject));
  await page.goto(site.url);
  const waiting = page.waitForFunction(
    `(() => {
      if (/fail|not start/.test(document.querySelector("#engine").textContent)) {
        throw new Error(document.body.innerText);
      }
      return parseFloat(document.querySelector("#accuracy").textContent) > 99;
    })()`,
    undefined,
    { timeout: 100_000 },
  );
  await Promise.race([waiting, failed]);
  return page;
}

const text = (page: Page, selector: string) => page.locator(selector).innerText();

/** How many colours the canvas has. */
const colours = (page: Page) =>
  page.evaluate<number>(`(() => {
    const canvas = document.querySelector("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  })()`);

it.each([
  { name: "WebGPU", switches: SOFTWARE, engine: /webgpu/, fallback: /^$/ },
  {
    name: "the CPU, and says why",
    switches: [],
    engine: /wasm.*SIMD/,
    fallback: /no WebGPU here \(webgpu: no adapter\)/,
  },
])(
  "learns two moons before one's eyes on $name",
  async ({ switches, engine, fallback }) => {
    const browser = await launch(switches);
    try {
      const page = await learnt(browser);
      expect(await text(page, "#engine")).toMatch(engine);
      expect(await text(page, "#fallback")).toMatch(fallback);
      expect(await page.evaluate("crossOriginIsolated")).toBe(true);
      expect(await text(page, "#accuracy")).toMatch(/^(99\.[1-9]|100\.0) %$/);
      expect(await colours(page)).toBeGreaterThan(50);
      expect(await page.locator("#loss path").getAttribute("d")).toMatch(
        /^M2\.5,[\d.]+(L[\d.]+,[\d.]+){3,}$/,
      );
    } finally {
      await browser.close();
    }
  },
  120_000,
);

it("has no other files", async () => {
  expect((await fetch(`${site.url}package.json`)).status).toBe(404);
});
