import { add, evaluate, matmul, mean, softmax, square, sub, valueAndGrad } from "@normless/autograd";
import { reference, scope, tensor } from "@normless/tensor";

const backend = reference();
const x = tensor(backend, [
  [1, 2],
  [3, 4],
]);
const w = tensor(backend, [[0.5], [-1]]);

// The same functions compute on tensors …
const y = scope(() => softmax(add(matmul(x, w), 1), 0));
console.log(await y.array()); // [ [ 0.7310585786300048 ], [ 0.2689414213699951 ] ]

// … and on variables, with gradients.
const { value, grads } = valueAndGrad((v) => mean(square(sub(matmul(x, v.w), 1))), { w });
console.log(await value.item()); // 9.25
console.log(await grads.w.array()); // [ [ -13 ], [ -19 ] ]

const alone = evaluate((v) => matmul(x, v.w), { w });
console.log(await alone.array()); // [ [ -1.5 ], [ -2.5 ] ]
