export { blas, type BlasOptions } from "./blas.js";
