/** The JSON files that `normless` takes: recipes, options, constants, token ids. The first byte says which. */
import { jsonText } from "@normless/gpt2";
import { plan, removalRecipes } from "@normless/removal";
import { RecipeError, trainRecipe } from "@normless/train";
import type { z } from "zod";
import { UsageError } from "../../../apps/remove-layernorm/src/errors.js";
import { withFloats } from "../../../apps/remove-layernorm/src/json/float-fields.js";
import { checkJson, mergeJson, readJson } from "../../../apps/remove-layernorm/src/json/json.js";
import {
  normConstantsSchema,
  removalRecipeSchema,
  removeOptionsSchema,
  tokenRowsSchema,
  trainOptionsSchema,
  trainRecipeSchema,
} from "../../../apps/remove-layernorm/src/json/schemas.js";
import { fileOf } from "../temporary-file.js";
import type { Target } from "../target.js";

const schemas: readonly z.ZodType[] = [
  removalRecipeSchema,
  trainRecipeSchema,
  removeOptionsSchema,
  trainOptionsSchema,
  normConstantsSchema,
  tokenRowsSchema,
];
const seed = (schema: z.ZodType, content: unknown) =>
  Uint8Array.of(schemas.indexOf(schema), ...new TextEncoder().encode(JSON.stringify(content)));

export const target: Target = {
  seeds: () =>
    Promise.resolve([
      ...Object.values(removalRecipes).map((recipe) => seed(removalRecipeSchema, recipe)),
      seed(removalRecipeSchema, { ...removalRecipes["distilled"], sites: ["h.*.ln_2", "ln_f"], pase: 1 }),
      seed(trainRecipeSchema, trainRecipe),
      seed(trainRecipeSchema, { ...trainRecipe, learningRate: { peak: "1" } }),
      seed(removeOptionsSchema, {
        train: "a.txt",
        recipe: { steps: 3 },
        sites: "ln_f,h.0.ln_1",
        trainTokens: "all",
      }),
      seed(trainOptionsSchema, { train: ["a.txt"], preset: "base", batchSize: 0, shape: { layers: 1 } }),
      seed(normConstantsSchema, { ln_f: 2, "h.0.ln_1": { first: 1, eot: 2, rest: 0 } }),
      seed(tokenRowsSchema, { tokens: [[1, 2], [3]], targets: [[2]] }),
      seed(tokenRowsSchema, [[1, -1]]),
      seed(removalRecipeSchema, {
        ...removalRecipes["distilled"],
        learningRate: { peak: 1, steps: 3, maxNorm: 2 },
      }),
      seed(trainOptionsSchema, { shape: { kind: "a", Layers: 1 }, warmupSteps: 3 }),
      Uint8Array.of(0, ...new TextEncoder().encode("{")),
      Uint8Array.of(0, ...new TextEncoder().encode(`${"[".repeat(200)}${"]".repeat(200)}`)),
    ]),
  async read(bytes) {
    const schema = schemas[(bytes[0] ?? 0) % schemas.length];
    const json = await readJson(fileOf("a-file.json", bytes.subarray(1)));
    mergeJson(trainRecipe, json);
    const value = checkJson("a-file.json", schema, json);
    if (schema === removalRecipeSchema) {
      const recipe = removalRecipeSchema.parse(json);
      const again: unknown = JSON.parse(jsonText(withFloats(schema, recipe)));
      if (jsonText(withFloats(schema, again)) !== jsonText(withFloats(schema, recipe))) {
        throw new Error("what is written of it is read as something else");
      }
      try {
        plan(recipe, { layers: 2 });
      } catch (error) {
        if (!(error instanceof RecipeError)) throw error;
      }
    }
    return value;
  },
  errors: [UsageError],
  names: /a-file\.json/,
  reader: ["json", "json-fields", "float-fields", "text-file", "schemas"].map(
    (file) => `apps/remove-layernorm/src/json/${file}.ts`,
  ),
};
