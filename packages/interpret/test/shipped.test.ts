/** What is exact without LayerNorms, on the models that ship: frozen at their own stds, and folded. */
import { mean } from "@normless/autograd";
import { foldModel, freezeAll, type HostModel, type Model, uploadWeights } from "@normless/gpt2";
import { readModelFolder } from "@normless/gpt2/node";
import { beforeAll, describe, expect, it } from "vitest";
import {
  attribute,
  decompose,
  logitDifference,
  logitLens,
  pathPatching,
  runWithCache,
  scorePairs,
  valueParts,
} from "../src/index.js";
import { float32Engines } from "./engines.js";

const TOLERANCE = 1e-5;

describe.each(["sotu", "sink"])("models/%s", (name) => {
  describe.each(float32Engines)("on %s", (_, make) => {
    let models: Model[];
    let clean: number[];
    let corrupted: number[];
    let tokens: { readonly token: number; readonly versus: number };
    beforeAll(async () => {
      const host = await readModelFolder(`models/${name}`);
      const ids = (text: string) => host.tokenizer!.encode(text);
      [clean, corrupted] = [
        ids("We are the people of the United States, and the people of the United"),
        ids("We are the people of the United States, and the people of the whole"),
      ];
      tokens = { token: ids(" States")[0], versus: ids(" world")[0] };
      const backend = await make();
      const upload = async ({ config, norms, weights }: HostModel): Promise<Model> => ({
        ...{ config, norms, params: await uploadWeights(backend, weights) },
      });
      const standard = await upload(host);
      const stds: Record<string, number> = {};
      using run = runWithCache(standard, clean, (hook) => hook.endsWith("hook_scale"));
      for (const [hook, scale] of Object.entries(run.cache)) {
        const module = hook
          .replace("blocks", "h")
          .replace("ln_final", "ln_f")
          .replace(/ln(\d)/, "ln_$1");
        using average = mean(scale);
        stds[module.replace(".hook_scale", "")] = await average.item();
      }
      const frozen = { ...host, norms: freezeAll(host.norms, stds) };
      models = [await upload(frozen), await upload(foldModel(frozen))];
    });

    it("parts sum to the residual and to the logits", async () => {
      for (const model of models) {
        for (const neurons of [false, true]) {
          const { positions } = await decompose(model, clean, { neurons, positions: [0, -1] });
          for (const { relativeDifference } of positions) expect(relativeDifference).toBeLessThan(TOLERANCE);
          const found = await attribute(model, clean, { ...tokens, neurons, exact: true });
          const sum = found.parts.reduce((total, { logit }) => total + logit, 0);
          const largest = Math.max(...found.parts.map(({ logit }) => Math.abs(logit)), Math.abs(found.logit));
          expect(Math.abs(sum - found.logit)).toBeLessThan(TOLERANCE * largest);
          expect(found.relativeDifference).toBeLessThan(TOLERANCE);
          expect(found.offBy).toBe(0);
        }
      }
    });

    it("pairs of parts sum to the scores, parts at keys to what a head writes", async () => {
      for (const model of models) {
        for (const [layer, head] of [
          [0, 1],
          [3, 2],
          [5, 0],
        ] as const) {
          const pairs = await scorePairs(model, clean, { layer, head, key: 3, exact: true });
          expect(pairs.relativeDifference).toBeLessThan(TOLERANCE);
          const values = await valueParts(model, clean, { layer, head, ...tokens, exact: true });
          expect(values.relativeDifference).toBeLessThan(TOLERANCE);
        }
      }
    });

    it("direct effects by parts are those by patching the path to the logits", async () => {
      const metric = logitDifference(tokens.token, tokens.versus);
      for (const model of models) {
        const [a, b] = [await attribute(model, clean, tokens), await attribute(model, corrupted, tokens)];
        const largest = Math.max(
          ...[...a.parts, ...b.parts].map(({ logit }) => Math.abs(logit)),
          Math.abs(a.logit),
        );
        for (const from of [{ layer: 4, head: 2 }, { layer: 1, head: 0 }, { mlp: 5 }, "token"] as const) {
          const { value, corrupted: before } = await pathPatching(model, { clean, corrupted }, metric, {
            from,
            to: ["logits"],
          });
          const part =
            typeof from === "string"
              ? from
              : "mlp" in from
                ? `h.${from.mlp}.mlp`
                : `h.${from.layer}.attn.${from.head}`;
          const i = a.parts.findIndex((one) => one.name === part);
          expect(Math.abs(value - before - (a.parts[i].logit - b.parts[i].logit)), part).toBeLessThan(
            TOLERANCE * largest,
          );
        }
      }
    });

    it("the steps of the lens are what was written", async () => {
      for (const model of models) {
        const lens = await logitLens(model, clean, { exact: true });
        const found = await attribute(model, clean, { token: tokens.token });
        const largest = Math.max(...lens.rows.map(({ logits }) => Math.abs(logits[tokens.token])));
        for (let layer = 0; layer < model.config.layers; layer++) {
          const step = lens.rows[layer + 1].logits[tokens.token] - lens.rows[layer].logits[tokens.token];
          const own = found.parts
            .filter((part) => part.layer === layer)
            .reduce((sum, { logit }) => sum + logit, 0);
          expect(Math.abs(step - own)).toBeLessThan(2 * TOLERANCE * largest);
        }
      }
    });
  });
});
