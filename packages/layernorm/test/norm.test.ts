import { rowStd, Tape } from "@normless/autograd";
import { type PerClass, POSITION_CLASSES } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyNorm,
  foldedNorm,
  frozenNorm,
  isUniform,
  type Norm,
  parseNorm,
  sameNorm,
  standardNorm,
  taperedNorm,
  withClassConstant,
} from "../src/index.js";
import { backend, perClass, residual, std, TOLERANCE, up, valuesOf, world } from "./support.js";

const anyNorm: fc.Arbitrary<Norm> = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }).map(standardNorm),
  fc.tuple(perClass, fc.option(std, { nil: undefined })).map(([stds, first]) => frozenNorm(stds, first)),
  std.map((value) => frozenNorm(value)),
  fc
    .record({
      eps: fc.double({ min: 0, max: 1, noNaN: true }),
      gate: fc.double({ min: 0, max: 1, noNaN: true }),
      std,
    })
    .map(taperedNorm),
  fc.constant(foldedNorm),
);

describe("applyNorm", () => {
  it("gives the published test vector", async () => {
    const x = { data: Float64Array.of(1, 2, 6), shape: [1, 1, 3] };
    const operands = {
      gamma: backend.upload(Float64Array.of(1, 0.5, 2), [3]),
      beta: backend.upload(Float64Array.of(0.1, 0, -0.1), [3]),
      classes: backend.upload(Int32Array.of(0), [1, 1]),
    };
    const standard = await valuesOf(x, (v) => applyNorm(standardNorm(1e-5), v, operands));
    expectClose("standard", standard, [-0.82581911, -0.23145478, 2.67745732], 1e-8);
    const frozen = await valuesOf(x, (v) => applyNorm(frozenNorm(2), v, operands));
    expectClose("frozen", frozen, [-0.9, -0.25, 2.9], 1e-15);
  });

  it("frozen at each token's own std is the standard norm", () =>
    fc.assert(
      fc.asyncProperty(world, async ({ C, seed }) => {
        // One token of each class, so that each can have its own constant.
        const { x, operands } = residual({ B: 1, T: 3, C, seed });
        const [first, eot, rest] = await valuesOf(x, (v) => rowStd(v, 1e-5));
        const classes = { data: Int32Array.of(0, 1, 2), shape: [1, 3] };
        const expected = await valuesOf(x, (v) => applyNorm(standardNorm(1e-5), v, operands(classes)));
        const actual = await valuesOf(x, (v) =>
          applyNorm(frozenNorm({ first, eot, rest }), v, operands(classes)),
        );
        expectClose("frozen", actual, expected, TOLERANCE);
      }),
    ));

  it("divides channel 0 by its own constant at every position, and nothing else", () =>
    fc.assert(
      fc.asyncProperty(world, perClass, std, async (sizes, stds, firstChannel) => {
        const { x, classes, operands } = residual(sizes);
        const f = (norm: Norm) => valuesOf(x, (v) => applyNorm(norm, v, operands(classes)));
        const [actual, plain] = [await f(frozenNorm(stds, firstChannel)), await f(frozenNorm(stds))];
        const own = await f(frozenNorm(firstChannel));
        const expected = plain.map((value, n) => (n % sizes.C === 0 ? own[n] : value));
        expectClose("f", actual, expected, TOLERANCE);
      }),
    ));

  it("tapered is the gate's part of LayerNorm and the rest of the frozen norm", () =>
    fc.assert(
      fc.asyncProperty(
        world,
        std,
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (sizes, constant, gate) => {
          const { x, classes, operands } = residual(sizes);
          const f = (norm: Norm) => valuesOf(x, (v) => applyNorm(norm, v, operands(classes)));
          const actual = await f(taperedNorm({ eps: 1e-5, gate, std: constant }));
          const [standard, frozen] = [await f(standardNorm(1e-5)), await f(frozenNorm(constant))];
          expectClose(
            "f",
            actual,
            standard.map((value, n) => gate * value + (1 - gate) * frozen[n]),
            TOLERANCE,
          );
        },
      ),
    ));

  it("frozen is affine: f(a·x + (1−a)·y) = a·f(x) + (1−a)·f(y)", () =>
    fc.assert(
      fc.asyncProperty(
        world,
        perClass,
        fc.double({ min: -2, max: 3, noNaN: true }),
        async (sizes, stds, a) => {
          const { x, classes, operands } = residual(sizes);
          const other = residual({ ...sizes, seed: sizes.seed + 100 }).x;
          const f = (data: Float64Array) =>
            valuesOf({ data, shape: x.shape }, (v) => applyNorm(frozenNorm(stds), v, operands(classes)));
          const mixed = await f(x.data.map((value, n) => a * value + (1 - a) * other.data[n]));
          const [fx, fy] = [await f(x.data), await f(other.data)];
          expectClose(
            "f",
            mixed,
            Float64Array.from(fx, (value, n) => a * value + (1 - a) * fy[n]),
            TOLERANCE,
          );
        },
      ),
    ));

  it("frozen hides no normaliser: twice x − mean gives twice f(x) − beta", () =>
    fc.assert(
      fc.asyncProperty(world, perClass, async (sizes, stds) => {
        const { C } = sizes;
        const { x, classes, beta, operands } = residual(sizes);
        const mean = (n: number) => x.data.slice(n * C, (n + 1) * C).reduce((a, b) => a + b, 0) / C;
        const f = async (data: Float64Array) => {
          const y = await valuesOf({ data, shape: x.shape }, (v) =>
            applyNorm(frozenNorm(stds), v, operands(classes)),
          );
          return Float64Array.from(y, (value, at) => value - beta[at % C]);
        };
        const doubled = x.data.map((value, at) => 2 * value - mean(Math.floor(at / C)));
        const expected = (await f(x.data)).map((value) => 2 * value);
        const actual = await f(doubled);
        const scale = Math.max(1, ...expected.map(Math.abs));
        actual.forEach((value, at) => expect(Math.abs(value - expected[at]) / scale).toBeLessThan(TOLERANCE));
      }),
    ));

  it("a class's constant reaches its own tokens only, and all their channels alike", () =>
    fc.assert(
      fc.asyncProperty(
        world,
        perClass,
        fc.constantFrom(...POSITION_CLASSES),
        async (sizes, stds, changed) => {
          const { C } = sizes;
          const { x, classes, beta, operands } = residual(sizes);
          const apply = (constants: PerClass) =>
            valuesOf(x, (v) => applyNorm(frozenNorm(constants), v, operands(classes)));
          const before = await apply(stds);
          const after = await apply({ ...stds, [changed]: 2 * stds[changed] });
          before.forEach((value, at) => {
            const token = Math.floor(at / C);
            if (classes.data[token] !== POSITION_CLASSES.indexOf(changed)) expect(after[at]).toBe(value);
            else expect(after[at] - beta[at % C]).toBeCloseTo((value - beta[at % C]) / 2, 10);
          });
        },
      ),
    ));

  it("folded is x itself and needs no parameters", () => {
    const x = new Tape(backend).constant(up({ data: Float64Array.of(1, 2), shape: [1, 2] }));
    const classes = backend.upload(Int32Array.of(0), [1]);
    expect(applyNorm(foldedNorm, x, { classes })).toBe(x);
  });

  it("says which parameter is missing", () => {
    const x = new Tape(backend).constant(up({ data: Float64Array.of(1, 2), shape: [1, 2] }));
    const classes = backend.upload(Int32Array.of(0), [1]);
    expect(() => applyNorm(standardNorm(), x, { classes })).toThrow(
      /a standard norm needs gamma and beta; missing: gamma and beta/,
    );
    expect(() => applyNorm(frozenNorm(1), x, { gamma: x, classes })).toThrow(
      /a frozen norm .* missing: beta/,
    );
  });
});

describe("norms as data", () => {
  it("survive JSON", () =>
    fc.assert(
      fc.property(anyNorm, (norm) => {
        const back = parseNorm(JSON.parse(JSON.stringify(norm)));
        expect(back).toEqual(norm);
        expect(sameNorm(back, norm)).toBe(true);
      }),
    ));

  it("are the same only when kind and constants are", () =>
    fc.assert(
      fc.property(anyNorm, anyNorm, (a, b) => {
        expect(sameNorm(a, a)).toBe(true);
        expect(sameNorm(a, b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    ));

  it("differ when the constant of any one class differs", () =>
    fc.assert(
      fc.property(perClass, fc.constantFrom(...POSITION_CLASSES), (stds, changed) => {
        const other = frozenNorm({ ...stds, [changed]: 2 * stds[changed] });
        expect(sameNorm(frozenNorm(stds), other)).toBe(false);
      }),
    ));

  it("lose their special constants one at a time, and are then uniform", () =>
    fc.assert(
      fc.property(perClass, (stds) => {
        const withoutEot = withClassConstant(frozenNorm(stds), "eot");
        expect(withoutEot).toEqual(frozenNorm({ ...stds, eot: stds.rest }));
        const without = withClassConstant(withoutEot, "first");
        expect(without).toEqual(frozenNorm(stds.rest));
        expect(isUniform(without)).toBe(true);
      }),
    ));

  it("are foldable only when frozen with one constant", () => {
    expect(isUniform(frozenNorm(2))).toBe(true);
    expect(isUniform(frozenNorm({ first: 3, eot: 2, rest: 2 }))).toBe(false);
    expect(isUniform(frozenNorm({ first: 2, eot: 3, rest: 2 }))).toBe(false);
    expect(isUniform(standardNorm())).toBe(false);
    expect(isUniform(foldedNorm)).toBe(false);
  });

  it("refuse constants that cannot be, naming the class", () => {
    expect(() => frozenNorm({ first: 1, eot: 0, rest: 1 })).toThrow(/std.eot is 0/);
    expect(() => frozenNorm({ first: 1, eot: 1, rest: NaN })).toThrow(/std.rest is NaN/);
    expect(() => frozenNorm(Infinity)).toThrow(RangeError);
    expect(() => standardNorm(-1)).toThrow(/eps is -1/);
    expect(() => withClassConstant(standardNorm(), "eot")).toThrow(
      /a standard norm has no constant for class eot/,
    );
    expect(() => withClassConstant(foldedNorm, "first")).toThrow(/a folded norm/);
  });

  it.each<[unknown, RegExp]>([
    [null, /a norm is an object, not null/],
    [[], /a norm is an object, not \[\]/],
    [{}, /kind is undefined; expected "standard", "frozen", "tapered" or "folded"/],
    [{ kind: "rms" }, /kind is "rms"/],
    [{ kind: "standard" }, /eps is a number, not undefined/],
    [{ kind: "standard", eps: "1e-5" }, /eps is a number, not "1e-5"/],
    [{ kind: "frozen" }, /std is an object, not undefined/],
    [{ kind: "frozen", std: 2 }, /std is an object, not 2/],
    [{ kind: "frozen", std: { first: 1, rest: 1 } }, /std.eot is a number, not undefined/],
    [{ kind: "frozen", std: { first: 1, eot: 1, rest: -1 } }, /std.rest is -1/],
  ])("parseNorm refuses %j", (json, message) => {
    expect(() => parseNorm(json)).toThrow(message);
  });
});

describe("frozenNorm", () => {
  it.each([1e39, 1e-46, 0, -1, NaN, Infinity])("refuses %d, which float32 cannot divide by", (std) => {
    expect(() => frozenNorm(std)).toThrow(
      `std.first is ${std}; a frozen std is positive and finite, as float32`,
    );
    expect(() => frozenNorm(1, std)).toThrow(`std.firstChannel is ${std}; `);
  });
});
