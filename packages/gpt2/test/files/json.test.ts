import fc from "fast-check";
import { expect, it } from "vitest";
import { Float, jsonText } from "../../src/index.js";
import { numbersIn, strictJson } from "../strict-json.js";

it.each([
  [0, "0.0"],
  [-0, "-0.0"],
  [1, "1.0"],
  [1e12, "1000000000000.0"],
  [1e21, "1e+21"],
  [1e-5, "0.00001"],
  [1e-7, "1e-7"],
  [-2.5, "-2.5"],
])("a float of %d is written as %s", (value, text) => {
  expect(jsonText(new Float(value))).toBe(text);
});

it("a float reads back to the bit, and as a float", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = jsonText({ value: new Float(value) });
      expect(Object.is((JSON.parse(text) as { value: number }).value, value)).toBe(true);
      expect(numbersIn(strictJson(text))).toEqual([{ type: "float", value, path: ["value"] }]);
    }),
    { numRuns: 1000 },
  );
});

it("what is no float is as JSON.stringify writes it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(jsonText(value)).toBe(JSON.stringify(value, undefined, 2));
    }),
  );
  expect(jsonText({ gone: undefined, kept: [undefined, {}, []] })).toBe(
    JSON.stringify({ kept: [undefined, {}, []] }, undefined, 2),
  );
});

it.each([NaN, Infinity, -Infinity])("%d is no number of JSON's", (value) => {
  expect(() => new Float(value)).toThrow("JSON holds finite numbers only");
});
