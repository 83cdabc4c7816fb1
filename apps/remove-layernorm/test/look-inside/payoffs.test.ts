import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { firstNorm, type PayoffsData } from "../../src/look-inside/payoffs.js";
import { promptLines } from "../../src/look-inside/prompt-file.js";
import { figures, lookingModels, refused } from "./looking-models.js";

const place = lookingModels();

async function prompts(): Promise<string> {
  const file = join(place.folder, "payoffs.jsonl");
  const line = { clean: "abc", corrupted: "xbc", answer: "d", wrong: "e" };
  await writeFile(file, promptLines([line, { ...line, clean: "ybc", answer: "f" }]));
  return file;
}

describe("normless payoffs", () => {
  it("measures a model and its LN-free form on the same text and prompts", async () => {
    const argv = ["--model", place.model, place.folded, "--tokens", "80", "--prompts", await prompts()];
    const data = await figures<PayoffsData>("payoffs", ...argv);
    const { attribution, patching, improvement, comparison, neurons } = data;
    // What LN-free makes exact.
    expect(attribution.a.sequences).toBe(5);
    expect(attribution.a.nmae.value).toBeGreaterThan(1e-3);
    expect(attribution.b.nmae.value).toBeLessThan(1e-5);
    // Softmax and GELU are there in both.
    expect(patching.a).toMatchObject({ prompts: 2 });
    expect(patching.b.error.value).toBeGreaterThan(0);
    const gains = patching.a.layers.map((error, layer) => error - patching.b.layers[layer]);
    expect(improvement.mean).toBeCloseTo(gains.reduce((sum, gain) => sum + gain, 0) / gains.length, 10);
    expect(comparison.sinkRate.difference.value).toBeCloseTo(
      comparison.sinkRate.b.value - comparison.sinkRate.a.value,
      10,
    );
    for (const side of ["a", "b"] as const) {
      const { top, ablation } = neurons[side];
      expect(top).toHaveLength(3);
      expect(top[0].score).toBeGreaterThanOrEqual(top[1].score);
      // A's neurons in both, one by one and together.
      const chosen = neurons.a.top.map(({ neuron }) => neuron);
      expect(ablation.changes.map((change) => change.neurons)).toEqual([
        ...chosen.map((neuron) => [neuron]),
        chosen,
      ]);
      const [ratio, module] = firstNorm(comparison, side);
      const { mean } = comparison.norms[side].find((one) => one.module === module)!;
      expect(ratio).toBeCloseTo(mean.first! / mean.rest!, 10);
    }
    // Both commands tell the same loss of the same text.
    const same = ["--model", place.model, place.folded, "--tokens", "80", "--position-rows", "0"];
    const compared = await figures<{ loss: { a: { value: number }; b: { value: number } } }>(
      "compare",
      ...same,
    );
    expect(neurons.a.ablation.crossEntropy.value).toBeCloseTo(compared.loss.a.value, 4);
    expect(neurons.b.ablation.crossEntropy.value).toBeCloseTo(compared.loss.b.value, 4);
  });

  it("refuses other than two models, and a tokenizer without the words of its own prompts", async () => {
    expect(await refused("payoffs", "--model", place.model)).toContain("there are 1; give --model A B");
    expect(await refused("payoffs", "--model", place.model, place.folded)).toContain(
      "of agreement there are 0 prompts whose words are each one token",
    );
    const argv = ["--model", place.model, place.folded, "--prompts", await prompts(), "--block-size", "17"];
    expect(await refused("payoffs", ...argv)).toContain("--block-size 17 is more than the contexts");
  });
});
