import { tensor } from "@normless/tensor";
import { gpu } from "@normless/tensor/gpu";

const backend = await gpu({ mode: "webasm" }); // on a GPU: webgpu
const x = tensor(backend, [[1, 3]]);
const { y } = backend.run("scale", { x }, { factor: 2 });
console.log(await y.array(), "by", backend.mode); // [ [ 2, 6 ] ] by webasm
await backend.dispose();
