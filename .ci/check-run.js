// What the main job promises, held against what a run wrote: node .ci/check-run.js RUN_FOLDER
import { readFileSync } from "node:fs";

const folder = process.argv[2];
const { validation } = JSON.parse(readFileSync(`${folder}/summary.json`, "utf8"));
const lines = readFileSync(`${folder}/metrics.jsonl`, "utf8").trim().split("\n");
const fold = lines.map((line) => JSON.parse(line)).find(({ type }) => type === "fold");

const promises = {
  "LN-free minus original, nats": [validation.folded - validation.original, 0.012],
  "folded against frozen logits, relative": [fold.relativeDifference, 1e-4],
};
for (const [name, [value, limit]] of Object.entries(promises)) {
  if (!(value <= limit)) throw new Error(`${name}: ${value} is over ${limit}`);
  console.log(`${name}: ${value.toPrecision(3)} (at most ${limit})`);
}
