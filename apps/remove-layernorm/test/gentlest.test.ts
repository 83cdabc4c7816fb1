/** The choice of what goes next, against measuring every candidate. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { gentlest, type Measured } from "../src/core/removing/gentlest.js";

/** The oracle: everything measured, sorted, and as much of it as fits. */
function exhaustive(damages: readonly number[], together: number): Measured<number>[] {
  const sorted = damages
    .map((damage, candidate) => ({ candidate, damage }))
    .sort((a, b) => a.damage - b.damage);
  let sum = 0;
  return sorted.filter(({ damage }, i) => {
    sum += Math.max(0, damage);
    return i === 0 || sum <= together;
  });
}

async function choose(
  damages: readonly number[],
  known: readonly (number | undefined)[],
  together: number,
): Promise<{ chosen: Measured<number>[]; asked: number[] }> {
  const asked: number[] = [];
  const chosen = await gentlest([...damages.keys()], {
    known: (candidate) => known[candidate],
    measure: (candidate) => {
      asked.push(candidate);
      return Promise.resolve(damages[candidate]);
    },
    together,
  });
  return { chosen, asked };
}

// From a grid, so that equals and exact fits are common.
const nats = fc.integer({ min: -4, max: 12 }).map((hundredths) => hundredths / 100);
const together = fc.constantFrom(0, 0.01, 0.1, 0.3, Infinity);
/** What a candidate does now, and what it was known to do: less or the same, or nothing is known. */
const grown = fc.record({
  damage: nats,
  growth: fc.option(fc.constantFrom(0, 0, 0.01, 0.05), { nil: undefined }),
});

it("is that of measuring all where damages only grow, and measures each at most once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(grown, { maxLength: 12 }), together, async (candidates, together) => {
      const damages = candidates.map(({ damage }) => damage);
      const known = candidates.map(({ damage, growth }) =>
        growth === undefined ? undefined : damage - growth,
      );
      const { chosen, asked } = await choose(damages, known, together);
      expect(chosen).toEqual(exhaustive(damages, together));
      expect(new Set(asked).size).toBe(asked.length);
    }),
  );
});

it("writes down nothing but what was measured now, whatever was known", async () => {
  const anything = fc.record({ damage: nats, known: fc.option(nats, { nil: undefined }) });
  await fc.assert(
    fc.asyncProperty(fc.array(anything, { minLength: 1 }), together, async (candidates, together) => {
      const damages = candidates.map(({ damage }) => damage);
      const { chosen, asked } = await choose(
        damages,
        candidates.map(({ known }) => known),
        together,
      );
      expect(chosen.length).toBeGreaterThan(0);
      for (const { candidate, damage } of chosen) {
        expect(asked).toContain(candidate);
        expect(damage).toBe(damages[candidate]);
      }
    }),
  );
});

it("measures only what could still be the least, or could still go along", async () => {
  // What is known is still so: one look each at those that go, and none at what would be too much.
  const steady = await choose([0.01, 0.2, 0.02, 0.3], [0.01, 0.2, 0.02, 0.3], 0.05);
  expect(steady.chosen.map(({ candidate }) => candidate)).toEqual([0, 2]);
  expect(steady.asked).toEqual([0, 2]);
  // The least has become dearer than the next: that one is looked at too, and taken.
  const overtaken = await choose([0.09, 0.06, 0.4], [0.01, 0.05, 0.4], 0);
  expect(overtaken.chosen).toEqual([{ candidate: 1, damage: 0.06 }]);
  expect(overtaken.asked).toEqual([0, 1]);
});
