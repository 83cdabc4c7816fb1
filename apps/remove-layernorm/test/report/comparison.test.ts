/** The page of a comparison: what is in it, and what cannot get into it. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ComparisonData, TextPassage } from "../../src/compare/comparison-data.js";
import { renderComparison } from "../../src/report/comparison-page.js";
import type { Estimate } from "@normless/statistics";
import {
  curveOf,
  type PairEstimate,
  type PositionFigures,
  positionRanges,
  ROW_KINDS,
} from "@normless/evaluate";
import { syntheticRun } from "./synthetic.js";

const estimate = (value: number): Estimate => ({
  value,
  interval: { low: value - 0.01, high: value + 0.01 },
});
const pair = (a: number, b: number): PairEstimate => ({
  a: estimate(a),
  b: estimate(b),
  difference: estimate(b - a),
});

function passage(text: string): TextPassage {
  const top = { id: 7, probability: 0.25 };
  return {
    start: 1234,
    jsd: 0.123,
    before: [1, 2],
    textBefore: text,
    tokens: [0.5, 0.01].map((jsd) => ({ id: 3, jsd, loss: { a: 1.5, b: 2.25 }, top: { a: top, b: top } })),
    words: [text, " fox"].map((one) => ({ text: one, top: { a: text, b: '" dog"' } })),
  };
}

/** A model that is the worse the earlier the position. */
function positions(text: string): PositionFigures {
  const T = 128;
  const each = (of: (t: number) => number) => Array.from({ length: T }, (_, t) => of(t));
  const curve = curveOf({ counts: each(() => 256), loss: each(() => 800), kl: each((t) => 460 / (t + 1)) });
  const cell = (t: number) => ({
    loss: estimate(3.1),
    toFirst: estimate(0.5 / (t + 1)),
    kl: estimate(1.8 / (t + 1)),
  });
  return {
    kinds: ROW_KINDS.map((kind) => ({
      ...{ kind, rows: 256, available: 2119, all: cell(20) },
      ranges: positionRanges(T).map((range) => ({ range, ...cell(range.begin) })),
      curve,
    })),
    notMeasured: [{ kind: "eot-document", range: { begin: 32, end: 128 }, why: text }],
  };
}

function comparison(text: string): ComparisonData {
  const [before, after] = syntheticRun(1).stds.map(({ stds }) =>
    Object.entries(stds).map(([module, mean]) => ({ module: module as "ln_f", mean })),
  );
  const bins = (shift: number) =>
    Array.from({ length: 15 }, (_, i) => {
      const [low, high] = [i / 15, (i + 1) / 15];
      const middle = (low + high) / 2;
      return i === 3
        ? { low, high, count: 0, confidence: undefined, accuracy: undefined }
        : { low, high, count: 100 - i, confidence: middle, accuracy: middle * shift };
    });
  const layers = (share: number) =>
    Array.from({ length: 6 }, (_, layer) => ({ layer, share: share / (layer + 1), sinkRate: share / 2 }));
  return {
    models: { a: text, b: "runs/fox" },
    data: [text],
    engine: "wasm",
    tokens: 16_384,
    sequences: 128,
    blockSize: 128,
    loss: pair(3.1234, 3.1481),
    entropy: pair(3, 2.9),
    calibrationError: pair(0.02, 0.03),
    firstAttention: pair(0.5, 0.4),
    sinkRate: pair(0.6, 0.5),
    klAB: estimate(0.08),
    klBA: estimate(0.09),
    jsd: estimate(0.02),
    agreement: estimate(0.874),
    calibration: { a: bins(1), b: bins(0.9) },
    norms: { a: before, b: after },
    attention: { a: layers(0.6), b: layers(0.3) },
    lossDifferences: { low: -2.05, width: 0.1, counts: Array.from({ length: 41 }, (_, i) => i * (41 - i)) },
    passages: [passage(text)],
    positions: { a: positions(text), b: positions(text) },
  };
}

const data = comparison("the little fox");
const page = renderComparison(data);

/** What the page's data element holds. */
function embedded(text: string): unknown {
  const [, json] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(text) ?? [];
  return JSON.parse(json);
}

const shown = (text: string) => text.replace(/<script .*<\/script>/s, "");

it("needs no network and runs no script", () => {
  expect(page).not.toMatch(/https?:|\b(?:src|href|srcset|action)\s*=|url\(|@import|\bon\w+\s*=/i);
  expect(page.match(/<script\b[^>]*>/g)).toEqual(['<script type="application/json" id="data">']);
  expect(page).toContain(
    `http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"`,
  );
});

it("holds its data, and shows it", () => {
  expect(embedded(page)).toEqual(JSON.parse(JSON.stringify(data)));
  const text = shown(page).replace(/\s+/g, " ");
  expect(text).toContain("B’s cross-entropy is <strong>0.0247 nats</strong> per token above A’s");
  expect(text).toContain("<td>3.1234</td> <td>3.1481</td> <td>+0.0247<small>+0.0147 to +0.0347</small></td>");
  expect(text).toContain("−10.00 pp");
  expect(text).toContain("token 1,234: mean Jensen-Shannon divergence 0.1230 nats");
  // The far token is darker: 85·√(0.5/log 2) and 85·√(0.01/log 2) percent.
  expect(text).toMatch(/--far:72">the little fox<.*--far:10"> fox</);
  expect(text).toContain("A right 30.0 % of 96");
  expect(text).not.toMatch(/NaN|Infinity|undefined|\[object/);
});

it("draws KL against position, a line a kind of rows, and tells every range", () => {
  const text = shown(page).replace(/\s+/g, " ");
  for (const [tone, name] of [
    ["kind-1", "plain windows"],
    ["kind-3 dashed", "end-of-text, mid-text"],
    ["kind-4 dotted", "end-of-text, document"],
  ]) {
    expect(text).toContain(`<span class="key ${tone}">${name}</span>`);
    // Each line is drawn from the left to the right.
    const [, path] = new RegExp(`<path class="bold ${tone}" d="(M[^"]*)"`).exec(text) ?? [];
    const xs = [...path.matchAll(/[ML]([\d.]+),/g)].map(([, x]) => Number(x));
    expect(xs).toHaveLength(24);
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
    expect(xs[0]).toBeGreaterThan(0);
    expect(xs.at(-1)).toBeLessThan(100);
  }
  expect(text).toContain("<b>position 2–7</b>");
  expect(text).toContain("<td>0.6000<small>0.5900 to 0.6100</small></td>");
  expect(text).toContain("256 of 2,119 rows");
  expect(text).toContain("not measured: end-of-text, document, position 32–127: the little fox");
});

it("has no picture of models that do not differ", () => {
  const same = positions("");
  const kinds = same.kinds.map(({ kind, rows, available, ranges, all: { loss }, curve }) => ({
    ...{ kind, rows, available, all: { loss, toFirst: estimate(0), kl: estimate(0) } },
    ranges: ranges.map(({ range }) => ({ range, loss, toFirst: estimate(0), kl: estimate(0) })),
    curve: curve.map(({ range, loss }) => ({ range, loss, kl: 0 })),
  }));
  const text = shown(renderComparison({ ...data, positions: { a: same, b: { ...same, kinds } } }));
  expect(text).toContain("By position");
  expect(text).not.toContain("KL(A‖B), nats per token");
  expect(text).not.toMatch(/NaN|Infinity|undefined|\[object/);
});

it("shows nothing of what was not measured: a class, an interval, a layer, a passage", () => {
  const few: ComparisonData = {
    ...data,
    passages: [],
    klAB: { value: 0.08, interval: undefined },
    norms: { a: data.norms.a.map(({ module, mean: { rest } }) => ({ module, mean: { rest } })), b: [] },
    attention: { a: data.attention.a, b: data.attention.b.slice(0, 2) },
    positions: undefined,
  };
  const text = shown(renderComparison(few));
  expect(text).not.toContain("By position");
  expect(text).not.toContain("End-of-text");
  expect(text).not.toMatch(/NaN|Infinity|undefined|\[object/);
});

it("has the same elements whatever the text, and shows it as text", () => {
  const tags = (text: string) => text.match(/<[/!]?[a-z]+/gi);
  const expected = tags(page);
  const piece = fc.constantFrom(
    "<",
    ">",
    "&",
    '"',
    "'",
    "</script>",
    "<b>",
    "</style>",
    "${",
    "\u2029",
    "\ud800",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(piece).map((pieces) => pieces.join("")),
  );
  fc.assert(
    fc.property(text, (words) => {
      const hostile = renderComparison(comparison(words));
      expect(tags(hostile)).toEqual(expected);
      expect(embedded(hostile)).toEqual(JSON.parse(JSON.stringify(comparison(words))));
    }),
    { numRuns: 50 },
  );
});
