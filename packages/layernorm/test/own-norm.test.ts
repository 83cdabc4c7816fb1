/** A norm from outside: what it is given, and who refuses it. */
import { add, mul, Tape } from "@normless/autograd";
import { describe, expect, it } from "vitest";
import {
  applyNorm,
  checkWritable,
  foldedNorm,
  isUniform,
  kindOf,
  ownNorm,
  parseNorm,
  sameNorm,
  standardNorm,
  withClassConstant,
} from "../src/index.js";
import { backend, up } from "./support.js";

const scaled = ownNorm("scaled", (x, { gamma, beta, parameter }) =>
  add(mul(mul(x, parameter("alpha")), gamma), beta),
);
const vector = (...values: number[]) => up({ data: Float64Array.from(values), shape: [values.length] });

describe("a norm from outside", () => {
  it("is applied with gamma, beta and a parameter of its own", async () => {
    const tape = new Tape(backend, { record: false });
    const operands = {
      gamma: vector(1, 2),
      beta: vector(0, 10),
      classes: backend.upload(Int32Array.of(0), [1]),
    };
    const x = tape.constant(up({ data: Float64Array.of(3, 4), shape: [1, 2] }));
    const alpha = vector(0.5);
    const y = applyNorm(scaled, x, { ...operands, parameter: (name) => ({ alpha })[name] });
    expect(await y.tensor.read()).toEqual(Float64Array.of(1.5, 14));
    expect(() => applyNorm(scaled, x, operands)).toThrow(
      /"scaled" needs a parameter alpha beside gamma and beta/,
    );
    expect(() => applyNorm(scaled, x, { classes: operands.classes })).toThrow(
      /the norm "scaled" needs gamma and beta; missing: gamma and beta/,
    );
  });

  it("is the same as one of the same function alone", () => {
    expect(sameNorm(scaled, ownNorm("by another name", scaled.apply))).toBe(true);
    expect(
      sameNorm(
        scaled,
        ownNorm("scaled", (x) => x),
      ),
    ).toBe(false);
    expect(sameNorm(scaled, standardNorm())).toBe(false);
  });

  it("is refused by name where nothing is known of it", () => {
    expect(isUniform(scaled)).toBe(false);
    expect(kindOf(scaled)).toBe('"scaled", a norm from outside');
    expect(kindOf(foldedNorm)).toBe("folded");
    expect(() => withClassConstant(scaled, "eot")).toThrow(/the norm "scaled" has no constant for class eot/);
    expect(() => parseNorm(JSON.parse(JSON.stringify(scaled)))).toThrow(/"scaled" is a norm from outside/);
    expect(() => checkWritable({ ln_f: standardNorm(), "h.0.ln_2": scaled })).toThrow(
      /the norm at h.0.ln_2 is "scaled", a norm from outside, which is code/,
    );
  });
});
