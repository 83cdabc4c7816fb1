export { permuted } from "./permutation.js";
export { philox, Random, randomAt, type Words2, type Words4 } from "./random.js";
