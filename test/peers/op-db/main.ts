/**
 * `node main.mjs FOLDER BACKEND`: every sample of FOLDER (samples.json and values.safetensors, as op_db_samples.py writes them)
 * on an engine, held against what PyTorch makes of it. Prints JSON: `ops`, of each how many passed,
 * and why the others did not; `unused`, reasons to leave out that none had; `onHost`, ops that ran on the host.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Backend, reference } from "@normless/tensor";
import { gpu } from "@normless/tensor/gpu";
import { wasm } from "@normless/tensor-wasm";
import { useSwiftShader } from "../../webgpu/vulkan.js";
import { leftOut } from "./left-out.js";
import { readValues, type Sample, tryOut } from "./sample.js";

const makers: Readonly<Record<string, () => Promise<Backend>>> = {
  reference: () => Promise.resolve(reference()),
  wasm: () => wasm({ threads: 2 }),
  "wasm-plain": () => wasm({ threads: 2, simd: "plain" }),
  native: async () => (await import("@normless/tensor-native")).native({ threads: 2 }),
  webgpu() {
    useSwiftShader();
    return gpu({ mode: "webgpu", webgpu: { tune: false } });
  },
};

/** Of one op, or one variant of it. */
interface Line {
  samples: number;
  passed: number;
  readonly leftOut: Record<string, number>;
  readonly failed: string[];
}

const [folder, name] = process.argv.slice(2);
const backend = await makers[name]();
// Only an op of one's own may run on the host, and none of these is one.
const onHost: string[] = [];
const runOp = backend.runOp.bind(backend);
backend.runOp = (op, inputs, attributes) => {
  onHost.push(op.name);
  return runOp(op, inputs, attributes);
};
const samples = JSON.parse(readFileSync(join(folder, "samples.json"), "utf8")) as Sample[];
const values = await readValues(join(folder, "values.safetensors"));
const lines: Record<string, Line> = {};
for (const sample of samples) {
  const of = sample.variant === "" ? sample.op : `${sample.op}.${sample.variant}`;
  const line = (lines[of] ??= { samples: 0, passed: 0, leftOut: {}, failed: [] });
  line.samples++;
  const outcome = await tryOut(backend, sample, values);
  if (outcome.kind === "passed") line.passed++;
  else if (outcome.kind === "left out") line.leftOut[outcome.why] = (line.leftOut[outcome.why] ?? 0) + 1;
  else line.failed.push(`${sample.number}: ${outcome.why}`);
}
await backend.dispose();
const used = new Set(Object.values(lines).flatMap(({ leftOut }) => Object.keys(leftOut)));
const unused = leftOut.map(({ why }) => why).filter((why) => !used.has(why));
console.log(JSON.stringify({ ops: lines, unused, onHost }));
