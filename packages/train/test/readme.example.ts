import { validationLoss } from "@normless/evaluate";
import { presets } from "@normless/gpt2";
import { wasm } from "@normless/tensor-wasm";
import { trainModel, trainRecipe, type TrainState } from "@normless/train";

const backend = await wasm();
const tiny = { layers: 2, channels: 16, heads: 2, inner: 64, blockSize: 16, vocabSize: 61, eot: 60 };
const tokens = Uint16Array.from({ length: 4000 }, (_, i) => (i * i) % 60);
const input = {
  backend,
  config: { ...presets.base, ...tiny },
  corpus: { train: tokens, validation: tokens.subarray(0, 500) },
  recipe: { ...trainRecipe, steps: 60, batchSize: 8, microBatchSize: 4, blockSize: 16, checkpointEvery: 30 },
  // How a model is validated is passed in.
  validate: validationLoss,
};

const losses: number[] = [];
const states: TrainState[] = [];
for await (const event of trainModel(input)) {
  if (event.type === "step") losses.push(event.loss);
  if (event.type === "checkpoint") states.push(event.state);
  if (event.type === "done") console.log(event.loss < losses[0]); // true
}

// From a checkpoint it goes on to the same bits.
for await (const event of trainModel({ ...input, resume: states[0] })) {
  if (event.type === "step" && event.step === 60) console.log(event.loss === losses[59]); // true
}
await backend.dispose();
