/** What the engine computes where this runs, as one name for its bits: `node bits.js plain`, `bun bits.js auto`. */
import { wasm } from "@normless/tensor-wasm";
import { createHash } from "node:crypto";

const backend = await wasm({ simd: process.argv[2], threads: 2 });
const values = (size, step) => Float32Array.from({ length: size }, (_, i) => Math.sin(i * step));
const x = backend.upload(values(64 * 96, 1.7), [64, 96]);
const w = backend.upload(values(96 * 80, 0.3), [96, 80]);
const { y } = backend.run("linear", { x, w }, {});
const { y: activated } = backend.run("gelu", { x: y }, { approximate: "tanh" });
const hash = createHash("sha256").update(Buffer.from((await activated.read()).buffer));
console.log(JSON.stringify({ simd: backend.simd, bits: hash.digest("hex") }));
await backend.dispose();
