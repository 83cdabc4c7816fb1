import { permuted, randomAt } from "@normless/random";

// The draws at a place: of step 7, row 0. Nothing before them has to be drawn.
const random = randomAt(1337, 7, 0);
console.log(random.uniform().toFixed(6)); // 0.364351
console.log(random.below(6)); // 2

// Where each of five goes in a permutation, one at a time.
console.log([0, 1, 2, 3, 4].map((i) => permuted(i, 5, 1337, [0, 0]))); // [ 0, 3, 2, 1, 4 ]
