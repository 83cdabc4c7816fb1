/** Figures, axes and smoothing of the report. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { bytes, compact, duration, signed } from "../../src/report/page/format.js";
import { html } from "../../src/report/page/html.js";
import { bulk, linearAxis, logAxis, smooth, stepAxis } from "../../src/report/charts/scales.js";

it("writes figures as people read them", () => {
  expect([0.01234, -0.01234, -0.00001].map(signed)).toEqual(["+0.0123", "−0.0123", "0.0000"]);
  expect([6e-4, 0.1, 3.217e-7, 0, 1, 1e-8].map(compact)).toEqual([
    "6e-4",
    "0.1",
    "3.22e-7",
    "0",
    "1",
    "1e-8",
  ]);
  expect([0, 850_000, 1.234e9].map(bytes)).toEqual(["0 B", "850 kB", "1.23 GB"]);
  expect([4.2, 43, 59.7, 725, 11_220].map(duration)).toEqual([
    "4.2 s",
    "43 s",
    "1 min 00 s",
    "12 min 05 s",
    "3 h 07 min",
  ]);
});

it("escapes values, and joins lists", () => {
  expect(html`<i title="${`"'`}">${["<", ">"].map((text) => html`${text}`)}${undefined}${1}</i>`.text).toBe(
    '<i title="&quot;&#39;">&lt;&gt;1</i>',
  );
});

const figure = fc.double({ min: -1e6, max: 1e6, noNaN: true });

it("puts larger figures higher, with ticks inside", () => {
  fc.assert(
    fc.property(figure, fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (low, range) => {
      for (const axis of [
        linearAxis([low, low + range]),
        logAxis([Math.abs(low) + 1, Math.abs(low) + 1 + range]),
      ]) {
        const places = axis.ticks.map(({ at }) => at);
        expect(places).toEqual([...places].sort((a, b) => b - a));
        expect(places.every((at) => at >= -1e-6 && at <= 100 + 1e-6)).toBe(true);
      }
    }),
  );
});

it("marks whole steps only", () => {
  expect(stepAxis(3).ticks.map(({ label }) => label)).toEqual(["0", "1", "2", "3"]);
});

it("labels the std axis with round figures", () => {
  expect(logAxis([0.6, 30]).ticks.map(({ label }) => label)).toEqual(["1", "2", "5", "10", "20"]);
  expect(logAxis([0.6, 3000]).ticks.map(({ label }) => label)).toEqual(["1", "10", "100", "1000"]);
  expect(logAxis([2.1, 2.9]).ticks.map(({ label }) => label)).toEqual(["2", "3"]);
});

it("leaves out single spikes, and nothing else", () => {
  const calm = Array.from({ length: 400 }, (_, i) => 2 + (i % 10) / 10);
  expect(bulk(calm)).toEqual([2, 2.9]);
  expect(bulk([...calm, 50])).toEqual([2, 2.9]);
  expect(bulk([])).toEqual([0, 1]);
});

it("smooths between the smallest and the largest value so far", () => {
  fc.assert(
    fc.property(fc.array(figure, { minLength: 1 }), fc.integer({ min: 1, max: 50 }), (values, span) => {
      smooth(values, span).forEach((value, i) => {
        const seen = values.slice(0, i + 1);
        expect(value).toBeGreaterThanOrEqual(Math.min(...seen) - 1e-6);
        expect(value).toBeLessThanOrEqual(Math.max(...seen) + 1e-6);
      });
    }),
  );
  expect(smooth([3, 1, 2], 1)).toEqual([3, 1, 2]);
});
