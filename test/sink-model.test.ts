/** What models/sink says of itself: a first position as GPT-2's, in a model that is otherwise as good as models/sotu. */
import { readFile, readdir, stat } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { observe, validationLoss } from "@normless/evaluate";
import { type HostModel, type Model, uploadWeights } from "@normless/gpt2";
import { readModelFolder } from "@normless/gpt2/node";
import { distilledRecipe, measureFirstPosition } from "@normless/removal";
import { wasm, type WasmBackend } from "@normless/tensor-wasm";
import { type Batch, readShard, sequentialBatches, validationPart } from "@normless/text";
import { afterAll, beforeAll, expect, it } from "vitest";

let backend: WasmBackend;
let sink: HostModel;
let sotu: HostModel;
let text: Uint16Array;
beforeAll(async () => {
  backend = await wasm();
  [sink, sotu] = await Promise.all(["sink", "sotu"].map((name) => readModelFolder(`models/${name}`)));
  text = readShard(new Uint8Array(gunzipSync(await readFile("models/sotu/val.bin.gz")))).tokens;
});
afterAll(() => backend.dispose());

const onBackend = async ({ config, norms, weights }: HostModel): Promise<Model> => ({
  config,
  norms,
  params: await uploadWeights(backend, weights),
});

it("is small, and of the shape and the vocabulary of models/sotu", async () => {
  const names = await readdir("models/sink", { recursive: true });
  const sizes = await Promise.all(names.map(async (name) => (await stat(`models/sink/${name}`)).size));
  expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(8e6);
  expect(sink.config).toEqual(sotu.config);
  for (const name of ["vocab.json", "merges.txt"]) {
    expect(await readFile(`models/sink/${name}`)).toEqual(await readFile(`models/sotu/${name}`));
  }
});

it("has a first position whose std is at least 20 times the rest's at the middle layers, on validation text", async () => {
  const event = await measureFirstPosition(await onBackend(sink), { recipe: distilledRecipe, train: text });
  expect(event!.ratio).toBeGreaterThan(20);
  for (const block of [2, 3, 4]) {
    for (const norm of ["ln_1", "ln_2"]) expect(event!.ratios[`h.${block}.${norm}`]).toBeGreaterThan(20);
  }
});

it("sends more than a third of the attention of half of the later layers' heads there, on validation text", async () => {
  const { heads, layers } = sink.config;
  const [batch] = sequentialBatches({ tokens: text, batchSize: 32, blockSize: 128 }) as Iterable<Batch>;
  const { sinks } = await observe(await onBackend(sink), batch);
  const later = sinks.slice(layers / 2).flatMap((shares) => {
    // Every query but that of the first position, which can attend to nothing else.
    const rows = Array.from({ length: batch.B * batch.T }, (_, row) => row).filter(
      (row) => row % batch.T > 0,
    );
    return Array.from({ length: heads }, (_, head) => {
      const sum = rows.reduce((total, row) => total + shares[row * heads + head], 0);
      return sum / rows.length;
    });
  });
  expect(later).toHaveLength((layers / 2) * heads);
  expect(later.filter((share) => share > 1 / 3).length).toBeGreaterThanOrEqual(later.length / 2);
});

it("has a validation loss of at most 3.10, on the text of models/sotu", async () => {
  const losses = validationLoss(await onBackend(sink), validationPart(text, 65_536), {
    batchSize: 16,
    blockSize: 128,
  });
  for (;;) {
    const { done, value } = await losses.next();
    if (!done) continue;
    expect(value).toBeLessThanOrEqual(3.1);
    return;
  }
});
