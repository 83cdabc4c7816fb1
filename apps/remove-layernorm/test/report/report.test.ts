/** The report on a synthetic run: what is in the page, and what cannot get into it. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ReportData } from "../../src/report/data.js";
import { renderRun } from "../../src/report/run-page.js";
import { describeRemoval } from "@normless/removal";
import { signed } from "../../src/report/page/format.js";
import { syntheticRun } from "./synthetic.js";

const run = syntheticRun(1);
const page = renderRun(run);

/** What the page's data element holds. */
function embedded(text: string): unknown {
  const [, json] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(text) ?? [];
  return JSON.parse(json);
}

/** The page without its data element: what is shown. */
const shown = (text: string) => text.replace(/<script .*<\/script>/s, "");

function withText(data: ReportData, text: string): ReportData {
  const samples = data.samples.map((sample) => ({ ...sample, prompt: text, text }));
  const processes = data.provenance.processes.map((one) => ({ ...one, engine: text }));
  const provenance = { ...data.provenance, command: text, processes };
  return { ...data, samples, provenance };
}

it("needs no network and runs no script", () => {
  expect(page).not.toMatch(/https?:|\b(?:src|href|srcset|action)\s*=|url\(|@import|\bon\w+\s*=/i);
  expect(page.match(/<script\b[^>]*>/g)).toEqual(['<script type="application/json" id="data">']);
  expect(page).toContain(
    `http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"`,
  );
});

it("holds its data", () => {
  expect(embedded(page)).toEqual(run);
});

/** The numbers in a model's row of the result. */
function cellsOf(text: string, model: string): number[] {
  const [, row = ""] = new RegExp(`<tr class="${model}">(.*?)</tr>`, "s").exec(text) ?? [];
  return [...row.matchAll(/<td>(.*?)(?:<small>.*?<\/small>)?<\/td>/g)].map(([, cell]) =>
    cell === "—" ? 0 : Number(cell.replace("−", "-")),
  );
}

it("holds a distilled run against its original, and speaks of no control", () => {
  const { control: _control, ...validation } = run.summary.validation;
  const recipe = { ...run.plan.recipe, loss: "distillation" } as const;
  const steps = run.steps.filter(({ phase }) => phase === "removal");
  const evals = run.evals.filter(({ model }) => model !== "control");
  const summary = { ...run.summary, validation };
  const distilled = renderRun({ ...run, plan: { ...run.plan, recipe }, steps, evals, summary });
  const { original, folded } = validation;
  expect(cellsOf(distilled, "folded")).toEqual([folded, folded - original].map((x) => Number(x.toFixed(4))));
  expect(cellsOf(distilled, "control")).toEqual([]);
  expect(distilled).toContain("that of the original, whose predictions it was trained to match");
  expect(distilled).toContain("KL from the original, nats per token");
  const words = shown(distilled)
    .replace(/<style>.*?<\/style>/s, "")
    .replace(/<[^>]*>/g, " ");
  // But for the field of the recipe, which is shown whole.
  expect(words).not.toMatch(/control(?!Auxiliary)/i);
  expect(shown(page)).toMatch(/LN-free minus control/);
});

it("shows the summary's figures in the table, with differences to original and control", () => {
  const { original, control = NaN, frozen, folded } = run.summary.validation;
  const cells = (model: string) => cellsOf(page, model);
  for (const [model, loss] of Object.entries({ original, control, frozen, folded })) {
    const [value, toOriginal, toControl] = cells(model);
    expect(value).toBeCloseTo(loss, 4);
    expect(toOriginal).toBeCloseTo(loss - original, 4);
    expect(toControl).toBeCloseTo(loss - control, 4);
  }
});

it("has an interval at every difference, and lines for document starts", () => {
  const { original, control = NaN, folded } = run.summary.validation;
  const text = shown(page).replace(/\s+/g, " ");
  const row = (name: string) => new RegExp(`<tr class="${name}">(.*?)</tr>`).exec(text)?.[1] ?? "";
  const ofNumbers = (cells: string) => cells.match(/<small>[+−]?[\d.]+ to [+−]?[\d.]+<\/small>/g) ?? [];
  const count = { original: 1, control: 1, frozen: 2, folded: 2 };
  for (const [model, differences] of Object.entries(count)) {
    expect([model, ofNumbers(row(model)).length]).toEqual([model, differences]);
  }
  expect(row("original")).toContain(
    `${signed(original - control - 0.0015)} to ${signed(original - control + 0.0015)}`,
  );
  expect(cellsOf(page, "folded starts")).toEqual(
    [folded + 0.2, folded - original + 0.1, folded - control].map((x) => Number(x.toFixed(4))),
  );
  expect(ofNumbers(row("folded starts"))).toHaveLength(2);
  expect(row("frozen starts")).toBe("");
  expect(text).toContain(`(${signed(folded - control - 0.0015)} to ${signed(folded - control + 0.0015)})`);
  expect(text).toContain(
    `after end-of-text, it is ${signed(folded - original + 0.1)} nats from the original (${signed(folded - original + 0.0985)} to`,
  );
});

it("draws KL by position, the looks on the way and the auxiliary loss, and nothing of what was not there", () => {
  const text = shown(page).replace(/\s+/g, " ");
  for (const title of [
    "KL(original‖LN-free), nats per token",
    ...["KL, plain windows", "KL, end-of-text, mid-text", "KL, end-of-text, document"],
    ...["std, first position", "std, all other tokens", "Auxiliary loss, as it is added, nats"],
  ]) {
    expect(text).toContain(`<div class="title">${title}</div>`);
  }
  expect(text).not.toContain("std, end-of-text");
  // Of the removal: the control's looks would be lines of their own.
  expect(text).toContain('<span class="key kind-1">0 3</span>');
  expect(text).not.toMatch(/NaN|Infinity|undefined|\[object/);
  const evals = run.evals.map(({ positions: { notMeasured }, ...rest }) => ({
    ...rest,
    positions: { kinds: [], notMeasured },
  }));
  const steps = run.steps.map(({ auxiliary: _auxiliary, ...rest }) => rest);
  const bare = shown(renderRun({ ...run, looks: [], evals, steps }));
  for (const title of ["KL(original", "On the way", "Auxiliary loss", "document starts"]) {
    expect(bare).not.toContain(title);
  }
  expect(bare).not.toMatch(/NaN|Infinity|undefined|\[object/);
});

it("tells of a look that met no number", () => {
  const failed = {
    type: "look",
    phase: "removal",
    step: 60,
    kinds: [],
    failed: "the loss is NaN",
    seconds: 1,
  } as const;
  expect(renderRun({ ...run, looks: [...run.looks, failed] })).toContain("step 60: the loss is NaN");
});

it.each([
  [0.0222, "<strong>0.0222 nats</strong> per token above"],
  [-0.0222, "<strong>0.0222 nats</strong> per token below"],
  [0.00001, "<strong>equal</strong> to"],
])("says the result in one sentence: folded minus control is %d", (difference, words) => {
  const validation = { ...run.summary.validation, control: 2, folded: 2 + difference };
  expect(renderRun({ ...run, summary: { ...run.summary, validation } })).toContain(words);
});

it("names every removal where one points at it, and in the table", () => {
  for (const { step, removal } of run.removals) {
    const name = describeRemoval(removal).replace(/^the /, "");
    expect(page).toMatch(new RegExp(`<b>step ${step}</b>[^]*?removed: ${name}<`));
    expect(page).toMatch(new RegExp(`<td>${step}</td>\\s*<th[^>]*><i class="dot"></i>${name}\\s*</th>`));
  }
  const marks = page.match(/<path class="mark kind-\d"/g) ?? [];
  expect(marks).toHaveLength(3 * run.removals.length);
});

it("shows hostile text as text", () => {
  const text = `</script></pre><img src=x onerror="alert('1')">&amp;<!--\u2028]]>`;
  const hostile = renderRun(withText(run, text));
  expect(hostile).not.toMatch(/<img|<!--|\u2028]]>"/);
  expect(hostile.match(/<\/script/g)).toHaveLength(1);
  expect(hostile).toContain("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;");
  expect(embedded(hostile)).toEqual(withText(run, text));
});

it("has the same elements whatever the text", () => {
  const tags = (text: string) => text.match(/<[/!]?[a-z]+/gi);
  const small = { ...run, steps: [], removals: [], stds: [] };
  const expected = tags(renderRun(small));
  const piece = fc.constantFrom(
    "<",
    ">",
    "&",
    '"',
    "'",
    "</script>",
    "<b>",
    "`",
    "${",
    "\\",
    "\u2029",
    "\ud800",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(piece).map((pieces) => pieces.join("")),
  );
  fc.assert(
    fc.property(text, (words) => {
      const data = withText(small, words);
      const hostile = renderRun(data);
      expect(tags(hostile)).toEqual(expected);
      expect(embedded(hostile)).toEqual(data);
    }),
  );
});

it("draws whatever part of a run there is", () => {
  const part = fc.record({
    steps: fc.subarray([...run.steps], { maxLength: 12 }),
    removals: fc.subarray([...run.removals]),
    stds: fc.subarray([...run.stds]),
    samples: fc.subarray([...run.samples]),
    evals: fc.subarray([...run.evals]),
    fold: fc.option(fc.constant(run.fold), { nil: undefined }),
  });
  fc.assert(
    fc.property(part, (some) => {
      expect(shown(renderRun({ ...run, ...some }))).not.toMatch(/NaN|Infinity|undefined|\[object/);
    }),
    { numRuns: 20 },
  );
});

it("draws nothing for a loss that is not a number, and tells it", () => {
  const steps = run.steps.map((step) => (step.step === 7 ? { ...step, loss: NaN } : step));
  const text = shown(renderRun({ ...run, steps }));
  expect(text).toContain("control NaN");
  expect(text).not.toMatch(/ (?:d|style)="[^"]*NaN/);
});

it("keeps long runs small: at most 200 columns to point at a plot", () => {
  const recipe = { ...run.plan.recipe, steps: 5000 };
  const steps = Array.from({ length: 5000 }, (_, i) => ({ ...run.steps[i % 200], step: i + 1 }));
  const text = renderRun({ ...run, plan: { ...run.plan, recipe }, steps });
  const [, ...plots] = text.split('<div class="columns"');
  const columns = plots.map((plot) => plot.match(/<div style/g)?.length ?? 0);
  expect(Math.max(...columns)).toBe(200);
});
