import { expect, it } from "vitest";
import { parseResults } from "../src/results.js";
import { figure, machineLine, suiteTable } from "../src/text.js";
import { synthetic } from "./synthetic.js";

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
    "4,500 (×2.00, 0.40 GB)",
  ]);
  expect(suiteTable(synthetic, "transposes")?.rows.map((cells) => cells[2])).toEqual([
    "81.0 (0.90)",
    "63.0 (0.70)",
  ]);
  expect(suiteTable(synthetic, "io")).toBeUndefined();
});

it("says where it ran, and what of it has a description", () => {
  const machine = "A <fast> CPU, 2 cores, 24 GiB, Node 20.0.0.";
  expect(machineLine(synthetic)).toBe(`${machine} wasm, relaxed SIMD, 2 threads; tfjs-backend-wasm 4.`);
  expect(machineLine({ ...synthetic, descriptions: {} })).toBe(machine);
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
