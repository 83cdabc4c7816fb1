import fc from "fast-check";
import { expect, it } from "vitest";
import {
  forms,
  parseResults,
  type Row,
  rowsOf,
  showContender,
  showEngine,
  withFastestForms,
} from "../../src/results/results.js";
import { figure, machineLine, suiteTable } from "../../src/results/text.js";
import { row, synthetic } from "../synthetic.js";

it("reads what was written", () => {
  expect(parseResults(JSON.stringify(synthetic), "r.json")).toEqual(synthetic);
});

it("refuses what is none, naming the file and the field", () => {
  const rows = [{ ...synthetic.rows[0], value: -1 }];
  expect(() => parseResults(JSON.stringify({ ...synthetic, rows }), "r.json")).toThrow(
    /r\.json.*rows\[0\]\.value/s,
  );
  expect(() => parseResults(JSON.stringify({ ...synthetic, more: 1 }), "r.json")).toThrow("more");
});

it("puts a case on a line and an engine in a column", () => {
  expect(suiteTable(synthetic, "kernels")).toMatchObject({
    head: ["", "shape", "wasm, 1 thread", "wasm, 2 threads", "tfjs-wasm, 1 thread"],
    rows: [
      ["`microkernel`", "(1,2)", "50.0", "", ""],
      ["`mlp_in`", "[1024,768]×[768,3072]", "45.0", "90.0", "25.0 (×3.60)"],
    ],
  });
  expect(suiteTable(synthetic, "steps")?.rows[0].slice(2)).toEqual([
    "9,000 (0.20 GB)",
    "4,500 (compiled in 31.0 s, ×2.00, 0.40 GB)",
  ]);
  expect(suiteTable(synthetic, "transposes")?.rows.map((cells) => cells[2])).toEqual([
    "81.0 (0.90)",
    "63.0 (0.70)",
  ]);
  expect(suiteTable(synthetic, "io")).toBeUndefined();
});

it("counts the faster form of a peer, in each case by itself, and keeps both", () => {
  const pytorch = rowsOf(synthetic, "steps").filter(({ engine }) => engine === "pytorch");
  expect(pytorch.map(({ form }) => form)).toEqual(["eager", "compiled", "eager", "compiled"]);
  expect(withFastestForms(pytorch)).toEqual([pytorch[1], pytorch[3]]);

  const rows = fc.array(
    fc.record({
      name: fc.constantFrom("tiny", "base"),
      engine: fc.constantFrom("wasm", "pytorch"),
      threads: fc.constantFrom(1, 2),
      form: fc.constantFrom(undefined, ...forms),
      value: fc.integer({ min: 1, max: 5 }),
    }),
  );
  fc.assert(
    fc.property(rows, (made) => {
      const all = made.map(({ name, form, ...rest }) =>
        row("steps", name, { ...rest, ...(form && { form }) }),
      );
      const counting = withFastestForms(all);
      const best = new Map<string, number>();
      const keyOf = (one: Row) => `${one.case} ${showEngine(one)}`;
      for (const one of all)
        if (one.form) best.set(keyOf(one), Math.max(best.get(keyOf(one)) ?? 0, one.value));
      expect(counting).toEqual(all.filter((one) => !one.form || one.value === best.get(keyOf(one))));
    }),
  );
});

it("says which form of a peer is shown, and what compiling took where that is it", () => {
  const shown = (value: number) => {
    const rows = [
      row("generation", "base", { value: 12 }),
      row("generation", "base", { engine: "pytorch", form: "eager", value: 8 }),
      row("generation", "base", { engine: "pytorch", form: "compiled", compileSeconds: 20, value }),
    ];
    return suiteTable({ ...synthetic, rows }, "generation");
  };
  expect(shown(10)?.head).toEqual(["", "shape", "wasm, 2 threads", "pytorch, 2 threads"]);
  expect(shown(10)?.rows[0][3]).toBe("10.0 (compiled in 20.0 s, ×1.20)");
  expect(shown(6)?.rows[0][3]).toBe("8.00 (eager, ×1.50)");
  expect(showContender({ engine: "pytorch", threads: 2, form: "eager" })).toBe("pytorch eager, 2 threads");
});

it("says where it ran, and what of it has a description", () => {
  const machine = "A <fast> CPU, 2 cores, 24 GiB, Node 20.0.0.";
  expect(machineLine(synthetic)).toBe(`${machine} wasm, relaxed SIMD, 2 threads; tfjs-backend-wasm 4.`);
  expect(machineLine({ ...synthetic, descriptions: {} })).toBe(machine);
  const loaded = (loadBefore: number) => ({ ...synthetic, machine: { ...synthetic.machine, loadBefore } });
  expect(machineLine(loaded(0.9))).toBe(machineLine(synthetic));
  expect(machineLine(loaded(6.5))).toMatch(/4\. Others were at work on the 2 cores \(load 6\.50 before/);
});

it.each([
  [0.834, "0.83"],
  [9.999, "10.0"],
  [97.26, "97.3"],
  [99.96, "100"],
  [123.4, "123"],
  [15234.5, "15,235"],
])("shows %d as %s", (value, text) => {
  expect(figure(value)).toBe(text);
});
