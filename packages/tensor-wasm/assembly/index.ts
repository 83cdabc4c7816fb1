/** What the host calls. */
export { firstOutside } from "./embedding";
export { publish, quitAll, runAlone, serve } from "./threads";
// Exported so that the compiler does not inline them, which would cost the registers of their accumulators.
export { microColumns, microRows } from "./gemm";
