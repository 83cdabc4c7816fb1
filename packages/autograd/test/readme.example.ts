import { matmul, mean, square, valueAndGrad } from "@normless/autograd";
import { reference, tensor } from "@normless/tensor";

const backend = reference();
const x = tensor(backend, [
  [1, 2],
  [3, 4],
]);
const w = tensor(backend, [[0.5], [-1]]);

const { value, grads } = valueAndGrad((v) => mean(square(matmul(x, v.w))), { w });
console.log(await value.item()); // 4.25
console.log(await grads.w.array()); // [ [ -9 ], [ -13 ] ]
