export type { Matrix, Product } from "./product.js";
export { type Diagnostics, type Gemm, wasm, type WasmBackend, type WasmOptions } from "./wasm.js";
