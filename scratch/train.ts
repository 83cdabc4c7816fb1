import fs from "node:fs"; import zlib from "node:zlib";
import { encode, decode } from "@msgpack/msgpack";
import { wasm } from "../packages/tensor-wasm/src/index.js";
import { presets } from "../packages/gpt2/src/index.js";
import { trainModel } from "../apps/remove-layernorm/src/core/train.js";
import { trainRecipe } from "../apps/remove-layernorm/src/core/recipe.js";
import { readShard } from "../packages/text/src/index.js";
const load = (f: string) => readShard(new Uint8Array(zlib.gunzipSync(fs.readFileSync("/work/main/models/sotu/" + f)))).tokens;
const backend = await wasm({ threads: Number(process.argv[2]) });
const ck = "/tmp/train.ck";
const fix = (s: any) => { for (const t of Object.values(s.weights) as any[]) t.data = new Float32Array(new Uint8Array(t.data).buffer); for (const k of ["m", "v"]) for (const n of Object.keys(s.optimizer[k])) s.optimizer[k][n] = new Float32Array(new Uint8Array(s.optimizer[k][n]).buffer); return s; };
const ser = (o: any): any => o instanceof Float32Array ? new Uint8Array(o.buffer, o.byteOffset, o.byteLength) : Array.isArray(o) ? o : o && typeof o === "object" ? Object.fromEntries(Object.entries(o).map(([k, v]) => [k, ser(v)])) : o;
const resume = fs.existsSync(ck) ? fix(decode(fs.readFileSync(ck))) : undefined;
const ac = new AbortController(); process.on("SIGINT", () => ac.abort()); process.on("SIGTERM", () => ac.abort());
for await (const e of trainModel({ backend, config: presets.base, corpus: { train: load("train.bin.gz"), validation: load("val.bin.gz") }, recipe: trainRecipe, resume, signal: ac.signal })) {
  if (e.type === "step" && e.step % 20 === 0) console.log(e.step, e.loss.toFixed(4), e.gradNorm.toFixed(2), e.learningRate.toExponential(2), e.tokensPerSecond.toFixed(0));
  if (e.type === "eval") console.log("EVAL", e.step, e.loss);
  if (e.type === "checkpoint") { fs.writeFileSync(ck + ".tmp", encode(ser(e.state))); fs.renameSync(ck + ".tmp", ck); console.log("saved", e.state.step); }
  if (e.type === "done") { fs.writeFileSync("/tmp/trained.msgpack", encode(ser({ weights: e.weights, loss: e.loss }))); console.log("DONE", e.loss); }
}
await backend.dispose();
