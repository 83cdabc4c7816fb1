export { readAdamWState, readSgdState, type Shaped, stateEntries } from "./state.js";
export { loadTensors, readTensors, tensorEntries } from "./tensors.js";
