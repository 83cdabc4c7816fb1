import { tensor } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";

const backend = await wasm({ threads: 2 });
const x = tensor(backend, [
  [1, 2],
  [3, 4],
]);
const w = tensor(backend, [[0.5], [-1]]);
const { y } = backend.run("linear", { x, w }, {});
console.log(backend.threads, await y.array()); // 2 [ [ -1.5 ], [ -2.5 ] ]
await backend.dispose();
