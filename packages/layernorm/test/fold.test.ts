import { add, embedding, linear, type Variable } from "@normless/autograd";
import { integers, expectClose } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyNorm,
  centreColumns,
  centreRows,
  centreVector,
  foldedNorm,
  foldIntoHead,
  foldIntoLinear,
  frozenNorm,
  type LinearWeights,
  scaleIntoHead,
  scaleIntoLinear,
} from "../src/index.js";
import {
  backend,
  doubles,
  linearWeights,
  matrix,
  residual,
  size,
  std,
  TOLERANCE,
  unitNorm,
  up,
  upMatrix,
  valuesOf,
  world,
} from "./support.js";

const read = (x: Variable, { w, bias }: LinearWeights, transposeW = false) =>
  linear(x, upMatrix(w), backend.upload(bias, [bias.length]), { transposeW });

describe("a folded norm gives what the frozen one gave", () => {
  it("ln_2 into c_fc", () =>
    fc.assert(
      fc.asyncProperty(world, async ({ M, std, ...sizes }) => {
        const { x, classes, gamma, beta, operands } = residual(sizes);
        const c_fc = linearWeights(sizes.C, M, sizes.seed);
        const folded = foldIntoLinear({ gamma, beta, std }, c_fc);
        const expected = await valuesOf(x, (v) =>
          read(applyNorm(frozenNorm(std), v, operands(classes)), c_fc),
        );
        const actual = await valuesOf(x, (v) =>
          read(applyNorm(foldedNorm, v, { classes: up(classes) }), folded),
        );
        expectClose("ln_2", actual, expected, TOLERANCE);
      }),
    ));

  it("ln_1 into a fused c_attn, with different stds of the query/key and the value path", () =>
    fc.assert(
      fc.asyncProperty(world, std, async ({ std: stdQk, ...sizes }, stdV) => {
        const { C } = sizes;
        const { x, classes, gamma, beta, operands } = residual(sizes);
        const c_attn = linearWeights(C, 3 * C, sizes.seed);
        const qk = { begin: 0, end: 2 * C };
        const v = { begin: 2 * C, end: 3 * C };
        const folded = foldIntoLinear(
          { gamma, beta, std: stdV },
          foldIntoLinear({ gamma, beta, std: stdQk }, c_attn, qk),
          v,
        );
        const bias = backend.upload(c_attn.bias, [3 * C]);
        const foldedBias = backend.upload(folded.bias, [3 * C]);
        for (const { columns, path } of [
          { columns: { ...qk, of: 3 * C }, path: stdQk },
          { columns: { ...v, of: 3 * C }, path: stdV },
        ]) {
          const expected = await valuesOf(x, (r) =>
            linear(applyNorm(frozenNorm(path), r, operands(classes)), upMatrix(c_attn.w), bias, { columns }),
          );
          const actual = await valuesOf(x, (r) => linear(r, upMatrix(folded.w), foldedBias, { columns }));
          expectClose(`columns from ${columns.begin}`, actual, expected, TOLERANCE);
        }
      }),
    ));

  it("ln_f into a head of its own with a vocabulary bias, from a tied embedding", () =>
    fc.assert(
      fc.asyncProperty(world, async ({ M: V, std, ...sizes }) => {
        const { x, classes, gamma, beta, operands } = residual(sizes);
        const wte = matrix(V, sizes.C, sizes.seed);
        const before = wte.data.slice();
        const head = foldIntoHead({ gamma, beta, std }, { w: wte });
        const expected = await valuesOf(x, (v) =>
          linear(applyNorm(frozenNorm(std), v, operands(classes)), upMatrix(wte), undefined, {
            transposeW: true,
          }),
        );
        expectClose("logits", await valuesOf(x, (v) => read(v, head, true)), expected, TOLERANCE);
        expect(wte.data).toEqual(before);
      }),
    ));

  it("the numbers worked out by hand", () => {
    const norm = { gamma: Float64Array.of(1, 0.5, 2), beta: Float64Array.of(0.1, 0, -0.1), std: 2 };
    const w = { rows: 3, columns: 2, data: Float64Array.of(1, 0, 2, -1, 0.5, 3) };
    const bias = Float64Array.of(0.2, -0.3);
    const scaled = scaleIntoLinear(norm, { w, bias });
    expectClose("scaled w", scaled.w.data, [0.5, 0, 0.5, -0.25, 0.5, 3], 1e-15);
    expectClose("scaled bias", scaled.bias, [0.25, -0.6], 1e-15);
    const folded = foldIntoLinear(norm, { w, bias });
    const column = [-11 / 12, -14 / 12, 25 / 12];
    expectClose("w", folded.w.data, [0, column[0], 0, column[1], 0, column[2]], 1e-15);
    expectClose("bias", folded.bias, [0.25, -0.6], 1e-15);
    const y = [0, 1].map((m) =>
      [1, 2, 6].reduce((sum, x, i) => sum + x * folded.w.data[2 * i + m], folded.bias[m]),
    );
    expectClose("y", y, [0.25, 8.65], 1e-15);
  });
});

describe("the pieces of a fold", () => {
  it("the query/key columns know only their own std, the value columns theirs, the bias neither", () =>
    fc.assert(
      fc.property(world, std, std, ({ C, seed, std }, stdV, otherStd) => {
        const { gamma, beta } = residual({ B: 1, T: 1, C, seed });
        const c_attn = linearWeights(C, 3 * C, seed);
        const fold = (qk: number, v: number) =>
          foldIntoLinear(
            { gamma, beta, std: v },
            foldIntoLinear({ gamma, beta, std: qk }, c_attn, { begin: 0, end: 2 * C }),
            { begin: 2 * C, end: 3 * C },
          );
        const columns = ({ w }: LinearWeights, part: "qk" | "v") =>
          w.data.filter((_, at) => at % (3 * C) < 2 * C === (part === "qk"));
        const base = fold(std, stdV);
        const otherV = fold(std, otherStd);
        const otherQk = fold(otherStd, stdV);
        expect(columns(otherV, "qk")).toEqual(columns(base, "qk"));
        expect(columns(otherQk, "v")).toEqual(columns(base, "v"));
        expect(otherV.bias).toEqual(base.bias);
        expect(otherQk.bias).toEqual(base.bias);
      }),
    ));

  it("only the given columns change", () =>
    fc.assert(
      fc.property(world, size, ({ C, M, seed, std }, extra) => {
        const { gamma, beta } = residual({ B: 1, T: 1, C, seed });
        const begin = seed % M;
        const original = linearWeights(C, M + extra, seed);
        const folded = foldIntoLinear({ gamma, beta, std }, original, { begin, end: M });
        const outside = (values: Float64Array) =>
          values.filter((_, at) => at % (M + extra) < begin || at % (M + extra) >= M);
        expect(outside(folded.w.data)).toEqual(outside(original.w.data));
        expect(outside(folded.bias)).toEqual(outside(original.bias));
      }),
    ));

  it("folding is idempotent: a second fold, of the norm that only centres, changes nothing", () =>
    fc.assert(
      fc.property(world, ({ C, M, seed, std }) => {
        const { gamma, beta } = residual({ B: 1, T: 1, C, seed });
        const once = foldIntoLinear({ gamma, beta, std }, linearWeights(C, M, seed));
        const twice = foldIntoLinear(unitNorm(C), once);
        expectClose("w", twice.w.data, once.w.data, TOLERANCE);
        expect(twice.bias).toEqual(once.bias);
        const head = foldIntoHead({ gamma, beta, std }, { w: matrix(M, C, seed) });
        const headTwice = foldIntoHead(unitNorm(C), head);
        expectClose("head", headTwice.w.data, head.w.data, TOLERANCE);
        expect(headTwice.bias).toEqual(head.bias);
      }),
    ));

  it("centring every writer of the residual does what centring its readers does, and both do no harm", () =>
    fc.assert(
      fc.asyncProperty(world, size, async ({ B, T, C, M, seed, std }, F) => {
        const { gamma, beta, classes, operands } = residual({ B, T, C, seed });
        const wte = matrix(5, C, seed + 20);
        const wpe = matrix(T, C, seed + 21);
        const c_proj = linearWeights(F, C, seed);
        const ids = up(integers([B, T], seed + 22, 5));
        const positions = backend.upload(
          Int32Array.from({ length: B * T }, (_, n) => n % T),
          [B, T],
        );
        const hidden = { data: doubles([B, T, F], seed + 23), shape: [B, T, F] };
        const stream = (h: Variable, centre: boolean) => {
          const [te, pe, pw] = [wte, wpe, c_proj.w].map((w) => upMatrix(centre ? centreRows(w) : w));
          const bias = backend.upload(centre ? centreVector(c_proj.bias) : c_proj.bias, [C]);
          const embedded = add(
            embedding(h.tape.constant(te), ids),
            embedding(h.tape.constant(pe), positions),
          );
          return add(embedded, linear(h, pw, bias));
        };
        const norm = { gamma, beta, std };
        const c_fc = linearWeights(C, M, seed + 30);
        const wteHead = { w: matrix(M, C, seed + 40) };
        const frozen = (h: Variable) => applyNorm(frozenNorm(std), stream(h, false), operands(classes));
        const linears = {
          expected: await valuesOf(hidden, (h) => read(frozen(h), c_fc)),
          readers: await valuesOf(hidden, (h) => read(stream(h, false), foldIntoLinear(norm, c_fc))),
          writers: await valuesOf(hidden, (h) => read(stream(h, true), scaleIntoLinear(norm, c_fc))),
          both: await valuesOf(hidden, (h) => read(stream(h, true), foldIntoLinear(norm, c_fc))),
        };
        for (const way of ["readers", "writers", "both"] as const)
          expectClose(way, linears[way], linears.expected, TOLERANCE);
        expectClose(
          "head",
          await valuesOf(hidden, (h) => read(stream(h, true), scaleIntoHead(norm, wteHead), true)),
          await valuesOf(hidden, (h) => read(stream(h, false), foldIntoHead(norm, wteHead), true)),
          TOLERANCE,
        );
      }),
    ));

  it("centred rows and columns have no mean, and centring again changes nothing", () =>
    fc.assert(
      fc.property(size, size, fc.integer(), (rows, columns, seed) => {
        const w = matrix(rows, columns, seed);
        const byRow = centreRows(w);
        const byColumn = centreColumns(w);
        for (let r = 0; r < rows; r++) {
          const row = byRow.data.slice(r * columns, (r + 1) * columns);
          expect(Math.abs(row.reduce((a, b) => a + b, 0))).toBeLessThan(1e-13);
        }
        for (let c = 0; c < columns; c++) {
          const column = byColumn.data.filter((_, at) => at % columns === c);
          expect(Math.abs(column.reduce((a, b) => a + b, 0))).toBeLessThan(1e-13);
        }
        const scale = Math.max(...w.data.map(Math.abs), 1);
        for (const [again, once] of [
          [centreRows(byRow), byRow],
          [centreColumns(byColumn), byColumn],
        ]) {
          again.data.forEach((value, at) =>
            expect(Math.abs(value - once.data[at])).toBeLessThan(1e-14 * scale),
          );
        }
      }),
    ));

  it("says what does not fit", () => {
    const norm = unitNorm(3);
    const w = matrix(3, 4, 1);
    const bias = new Float64Array(4);
    expect(() => foldIntoLinear(unitNorm(4), { w, bias })).toThrow(
      /gamma has 4 entries, the weight \[3,4\] takes 3. Is the weight transposed/,
    );
    expect(() => foldIntoHead(norm, { w })).toThrow(/gamma has 3 entries, the weight \[3,4\] takes 4/);
    expect(() => foldIntoLinear(norm, { w, bias: new Float64Array(3) })).toThrow(/bias has 3 entries/);
    expect(() => foldIntoLinear({ ...norm, std: 0 }, { w, bias })).toThrow(/the std is 0/);
    expect(() => foldIntoLinear(norm, { w, bias }, { begin: 2, end: 5 })).toThrow(/columns 2 to 5 .* the 4/);
    expect(() => centreRows({ ...w, rows: 2 })).toThrow(/\[2,4\] has 12 values, not 8/);
  });
});
