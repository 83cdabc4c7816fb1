import { compareModels, measurePositions, positionFigures, rangeName, rowSet } from "@normless/evaluate";
import { initWeights, type Model, presets, standardNorms, uploadWeights } from "@normless/gpt2";
import { reference } from "@normless/tensor";

const backend = reference();
const small = { vocabSize: 16, blockSize: 8, channels: 8, inner: 32, layers: 1, heads: 2, eot: 15 };
const config = { ...presets.base, ...small };
const model = async (seed: number): Promise<Model> => ({
  config,
  norms: standardNorms(config),
  params: await uploadWeights(backend, initWeights(config, seed)),
});
const tokens = Uint16Array.from({ length: 200 }, (_, i) => (i % 40 === 0 ? 15 : (i * i) % 15));

/** Long work yields how far it is. */
async function result<X>(work: AsyncGenerator<number, X>): Promise<X> {
  for (;;) {
    const { done, value } = await work.next();
    if (done) return value;
  }
}

// The loss by position and by what a row starts with: the middle of a text, or end-of-text before it.
const rows = rowSet({ tokens, blockSize: 8, eot: 15 });
const sums = await result(measurePositions(await model(1), rows, { batchSize: 8 }));
const [{ kinds }] = positionFigures([sums]);
console.log(kinds.map(({ kind }) => kind).join(" ")); // plain eot-middle eot-document
console.log(kinds[0].ranges.map(({ range }) => rangeName(range)).join(" ")); // 0 1 2–7
console.log(kinds[0].all.loss.value.toFixed(1)); // 2.8

// Two models on the same text.
const { klAB } = await result(compareModels({ a: await model(1), b: await model(2) }, tokens));
console.log(klAB.value > 0); // true
