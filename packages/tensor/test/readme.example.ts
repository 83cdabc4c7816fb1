import { reference, tensor } from "@normless/tensor";

const backend = reference(); // any other backend runs the same kernels
const x = tensor(backend, [
  [1, 3],
  [2, 6],
]);
const [gamma, beta] = [tensor(backend, [1, 1]), tensor(backend, [0, 0])];
const classes = backend.upload(Int32Array.of(0, 2), [2]); // the first position, and an ordinary one

const { std } = backend.run("rowStd", { x }, { eps: 0 });
console.log(await std.array()); // [ 1, 2 ]

const constants = { first: 1, eot: 1, rest: 4 };
const { y } = backend.run("frozenNorm", { x, gamma, beta, classes }, { std: constants });
console.log(await y.array()); // [ [ -1, 1 ], [ -0.5, 0.5 ] ]
