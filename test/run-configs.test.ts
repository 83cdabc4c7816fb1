/** Whatever config a run starts with, its checkpoints and its folder carry. */
import { inMemory } from "@normless/data";
import { configFromHf, initWeights } from "@normless/gpt2";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  decodeCheckpoint,
  encodeCheckpoint,
  trainKind,
} from "../apps/remove-layernorm/src/run-folder/checkpoint.js";
import { checkJson } from "../apps/remove-layernorm/src/json/json.js";
import {
  runConfigText,
  type TrainConfig,
  trainConfigSchema,
} from "../apps/remove-layernorm/src/run-folder/run-config.js";
import { trainRecipe, type TrainState } from "@normless/train";
import { someProvenance } from "../apps/remove-layernorm/test/provenance/provenance-of.js";
import { hfConfigs } from "../packages/gpt2/test/hf-configs.js";
import { numbersIn, strictJson } from "../packages/gpt2/test/strict-json.js";

/** Of no config in particular: a checkpoint checks shapes against values, not against the config. */
const tiny = { vocabSize: 3, blockSize: 2, channels: 2, layers: 1, heads: 1, inner: 2, eps: 1, eot: 2 };
const weights = initWeights({ ...tiny, gelu: "tanh", tied: true }, 1);
const moments = Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, data]));

it("a checkpoint of a training", async () => {
  await fc.assert(
    fc.asyncProperty(hfConfigs, async (hf) => {
      const { config, norms } = configFromHf(JSON.parse(JSON.stringify(hf)));
      const optimizer = { step: 3, m: moments, v: moments };
      const about = { version: 1, fingerprint: "0123", recipe: trainRecipe, step: 3 } as const;
      const state: TrainState = { ...about, config, norms, weights, optimizer };
      const bytes = Buffer.concat([...encodeCheckpoint(trainKind, { metricsBytes: 1, config: {}, state })]);
      expect(await decodeCheckpoint(trainKind, inMemory(bytes))).toEqual({
        metricsBytes: 1,
        config: {},
        state,
      });
    }),
    { numRuns: 300 },
  );
});

it("the folder of a training, its epsilon as a float", () => {
  fc.assert(
    fc.property(hfConfigs, (hf) => {
      const { config: shape } = configFromHf(JSON.parse(JSON.stringify(hf)));
      const config: TrainConfig = {
        ...{ command: "train", tokenizer: "/t", backend: "wasm", simd: "relaxed", dtype: "F32" },
        ...{ shape, recipe: trainRecipe, recompute: false },
        ...{ train: ["a.bin"], validation: ["b.bin"], provenance: someProvenance },
      };
      const text = runConfigText(config);
      expect(checkJson("config.json", trainConfigSchema, JSON.parse(text))).toEqual(config);
      const eps = numbersIn(strictJson(text)).find(({ path }) => path.join(".") === "shape.eps");
      expect(eps).toMatchObject({ type: "float", value: shape.eps });
    }),
    { numRuns: 300 },
  );
});
