import { tensor } from "@normless/tensor";
import { blas } from "@normless/tensor-blas";

const backend = await blas({ threads: 2 });
const x = tensor(backend, [
  [1, 2],
  [3, 4],
  [5, 6],
  [7, 8],
  [9, 10],
]);
const w = tensor(backend, [[0.5], [-1]]);
const { y } = backend.run("linear", { x, w }, {});
console.log(backend.name, await y.array()); // blas [ [ -1.5 ], [ -2.5 ], [ -3.5 ], [ -4.5 ], [ -5.5 ] ]
await backend.dispose();
