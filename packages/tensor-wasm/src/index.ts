export type { Matrix, Product } from "./kernels/gemm.js";
export { type Diagnostics, type Gemm, wasm, type WasmBackend, type WasmOptions } from "./wasm.js";
