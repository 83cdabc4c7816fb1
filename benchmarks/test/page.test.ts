import { expect, it } from "vitest";
import { renderPage } from "../src/page/page.js";
import { parseResults } from "../src/results/results.js";
import { QUICK } from "../src/results/text.js";
import { synthetic } from "./synthetic.js";

const page = renderPage(synthetic).replace(/\s+/g, " ");

it("needs no network and runs no script", () => {
  expect(page).not.toMatch(/https?:|\b(?:src|href|srcset|action)\s*=|url\(|@import|\bon\w+\s*=/i);
  expect(page.match(/<script\b[^>]*>/g)).toEqual(['<script type="application/json" id="results">']);
});

it("holds its figures as JSON that can be read again", () => {
  const [, json] = /<script type="application\/json" id="results">(.*?)<\/script>/.exec(page) ?? [];
  expect(parseResults(json, "page")).toEqual(synthetic);
});

it("escapes what the machine is called", () => {
  expect(page).toContain("A &lt;fast&gt; CPU, 2 cores, 24 GiB, Node 20.0.0");
  expect(page).not.toContain("A <fast>");
});

it("draws a bar as long as its share of the fastest, and the peer's ratio behind it", () => {
  const bars = [
    ...page.matchAll(/<i style="width:([\d.]+)%"><\/i><\/span\s*><b>([^<]*)<\/b><em>([^<]*)<\/em>/g),
  ];
  const drawn = bars.map(([, width, text, aside]) => [Number(width), text, aside]);
  expect(drawn).toContainEqual([100, "90.0", ""]);
  expect(drawn).toContainEqual([50, "45.0", ""]);
  expect(drawn).toContainEqual([27.78, "25.0", "×3.60"]);
  expect(drawn).toContainEqual([50, "4,500", "×2.00"]);
  expect(drawn).toContainEqual([60, "3.00 GB", ""]);
});

it("draws PyTorch in both forms", () => {
  for (const label of ["pytorch eager, 2 threads", "pytorch compiled, 2 threads"])
    expect(page.split(`<dt>${label}</dt>`)).toHaveLength(1 + 2 * 2);
});

it("says what was met, and draws no chart of what was not measured", () => {
  expect(page).toContain("5 of 7 measured goals are met; 23 were not measured in this run");
  expect(page).toContain("Tokens a second with the sequence");
  expect(page).not.toContain("Tokens a second with the threads");
  expect(page).not.toContain("Generation");
});

it("says aloud that a quick run is one", () => {
  expect(page).not.toContain(QUICK);
  expect(renderPage({ ...synthetic, quick: true })).toContain(QUICK);
});
