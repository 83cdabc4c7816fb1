import { writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { renderReport } from "../../src/cli/report/index.js";
import { syntheticRun } from "./synthetic.js";

it("writes", async () => {
  const page = renderReport(syntheticRun(1));
  expect(page.length).toBeGreaterThan(0);
  await writeFile("/tmp/report.html", page);
});
