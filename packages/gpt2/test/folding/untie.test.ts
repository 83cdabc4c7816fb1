import { reference } from "@normless/tensor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkModel, untieHead } from "../../src/index.js";
import { frozenModels, logitsOf } from "../../src/testing/index.js";

describe("untieHead", () => {
  it("changes no logit by a bit, and gives a tied model a head of its own", async () => {
    await fc.assert(
      fc.asyncProperty(frozenModels, async (model) => {
        const untied = untieHead(model);
        checkModel(untied);
        expect(untied.config.tied).toBe(false);
        expect(await logitsOf(reference(), untied)).toEqual(await logitsOf(reference(), model));
        expect(untieHead(untied)).toBe(untied);
        if (!model.config.tied) expect(untied).toBe(model);
      }),
      { numRuns: 20 },
    );
  });
});
