/** `normless report`: a run's page at any time, from its folder alone. */
import {
  appendFile,
  cp,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { run, writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
let whole: string;
/** A run that was stopped in its removal. */
let stopped: string;
/** A copy of it. */
let out: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-report-"));
  tiny = await writeTiny(folder);
  whole = join(folder, "whole");
  stopped = join(folder, "stopped");
  expect((await run(start(whole))).code).toBe(0);
  expect((await run(start(stopped), "step 6: removed")).code).toBe(130);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  out = join(folder, "copy");
  await rm(out, { recursive: true, force: true });
  await cp(stopped, out, { recursive: true });
});

const start = (path: string) => [
  ...["remove", "--model", tiny.model, "--recipe", tiny.recipe, "--out", path, "--threads", "1"],
];
/** What a reader sees of a page. */
async function wordsOf(path: string): Promise<string> {
  const page = await readFile(path, "utf8");
  return page
    .replace(/<(script|style)\b.*?<\/\1>/gs, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");
}

it("of a run that has ended is the page that the run made, to the byte", async () => {
  const path = join(folder, "again.html");
  const { code, out: said } = await run(["report", whole, "--html", path]);
  expect([code, said]).toEqual([0, `Wrote ${path}: the run in whole\n`]);
  expect(await readFile(path, "utf8")).toBe(await readFile(join(whole, "report.html"), "utf8"));
});

it("of a run that was stopped says how far it is and how to go on, and has what it has come to", async () => {
  expect(await readdir(out)).not.toContain("report.html");
  const { code, out: said } = await run(["report", out]);
  expect([code, said]).toEqual([
    0,
    `Wrote ${join(out, "report.html")}: the run in copy, which has not ended\n`,
  ]);
  const words = await wordsOf(join(out, "report.html"));
  expect(words).toContain("Unfinished: update 7 of 12 of the removal, after the control’s 12.");
  expect(words).toContain(`Nobody is at work on it; it wrote last at `);
  expect(words).toContain(`npx normless remove --resume ${out}`);
  for (const there of ["Control", "The loss, step by step", "All 6 removals", "The recipe", "begun"]) {
    expect(words).toContain(there);
  }
  for (const none of ["LN-free, frozen", "folded against frozen", "ended", "peak memory"]) {
    expect(words).not.toContain(none);
  }
  // It goes on as if nobody had looked.
  expect((await run(["remove", "--resume", out, "--threads", "1"])).code).toBe(0);
  expect(await wordsOf(join(out, "report.html"))).toContain(
    "Without LayerNorm, the model’s validation cross-entropy",
  );
});

it("says how far a run is wherever it was stopped", async () => {
  for (const [at, words] of [
    ["validating: original", "nothing is measured yet"],
    ["control 1/12", "update 1 of 12 of the control"],
    ["validating: control", "all 12 updates of the control are done"],
    ["validating: folded", "all 12 updates of the removal are done and measured"],
  ]) {
    const path = join(folder, at.replace(/\W/g, "-"));
    expect((await run(start(path), at)).code).toBe(130);
    expect((await run(["report", path])).code).toBe(0);
    const page = await wordsOf(join(path, "report.html"));
    expect(page).toContain(`Unfinished: ${words}.`);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(page.includes("The loss, step by step")).toBe(at !== "validating: original");
  }
});

it("leaves alone whoever is at work in the folder, and says that somebody is", async () => {
  const lock = join(out, `in-use-by-${process.ppid}@${hostname()}`);
  await writeFile(lock, "");
  const gone = join(out, `in-use-by-999999999@${hostname()}`);
  await writeFile(gone, "");
  const before = (await readdir(out)).sort();
  expect((await run(["report", out])).code).toBe(0);
  expect(await wordsOf(join(out, "report.html"))).toContain("A process is at work on it, and wrote last at");
  expect((await readdir(out)).sort()).toEqual([...before, "report.html"].sort());
});

it("does not mind a line that is being written, and names one that was spoilt", async () => {
  const metrics = join(out, "metrics.jsonl");
  const told = async () => {
    const { code, err } = await run(["report", out]);
    expect(code).toBe(0);
    return err + (await wordsOf(join(out, "report.html")));
  };
  const { length } = await readFile(metrics);
  await truncate(metrics, length - 9);
  expect(await told()).toContain("Unfinished: update 6 of 12 of the removal");
  await appendFile(metrics, '\n{"type": 3}\n');
  expect(await told()).toMatch(/metrics\.jsonl: lines \d+, \d+ cannot be read .*Unfinished: update 6 of 12/s);
});

it("is refused where there is no such run, or it would write over what it reads", async () => {
  const refused = async (...argv: string[]) => {
    const { code, err } = await run(["report", ...argv]);
    expect(code).toBe(2);
    return err;
  };
  expect(await refused(join(folder, "nowhere"))).toContain("nowhere is no run folder");
  expect(await refused(tiny.model)).toContain("is no run folder (it has no config.json and metrics.jsonl)");
  await symlink(join(out, "metrics.jsonl"), join(folder, "link.html"));
  for (const path of [join(out, "config.json"), join(out, "metrics.jsonl"), join(folder, "link.html")]) {
    expect(await refused(out, "--html", path)).toContain(`--html ${path} would write over the run's ${out}`);
  }
  const shape = ["--model-config", join(tiny.model, "config.json"), "--tokenizer", tiny.model];
  const trained = join(folder, "trained");
  const size = ["--steps", "2", "--batch-size", "2", "--block-size", "16", "--validation-tokens", "50"];
  expect((await run(["train", ...shape, ...size, "--out", trained, "--threads", "1"])).code).toBe(0);
  expect(await refused(trained)).toContain("is one of normless train, which has no report");
});
