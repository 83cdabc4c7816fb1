import fc from "fast-check";
import { expect, it } from "vitest";
import { sizeClass } from "../../../src/gpu/webgpu/buffers.js";

const bytes = fc.integer({ min: 1, max: 2 ** 31 });

it("gives a class that holds the bytes, in whole vectors, with an eighth of waste at most", () => {
  fc.assert(
    fc.property(bytes, (wanted) => {
      const given = sizeClass(wanted);
      expect(given).toBeGreaterThanOrEqual(wanted);
      expect(given % 16).toBe(0);
      expect(given).toBeLessThanOrEqual(Math.max(256, wanted * 1.125 + 16));
    }),
  );
});

it("gives a larger class for more bytes, and a class its own", () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(sizeClass(Math.max(a, b))).toBeGreaterThanOrEqual(sizeClass(Math.min(a, b)));
      expect(sizeClass(sizeClass(a))).toBe(sizeClass(a));
    }),
  );
});
