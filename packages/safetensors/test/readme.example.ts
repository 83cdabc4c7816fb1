import { fromBytes, openStore, toBytes } from "@normless/safetensors";

const gamma = {
  name: "ln_f.weight",
  dtype: "F16",
  shape: [4],
  data: Float32Array.of(1, 0.5, 0.1, -2),
} as const;
const file = await toBytes([gamma], { metadata: { format: "pt" } });

const store = await openStore([fromBytes(file, "model.safetensors")]);
console.log(store.names(), store.info("ln_f.weight").shape); // [ 'ln_f.weight' ] [ 4 ]
console.log(await store.readFloat32("ln_f.weight")); // Float32Array(4) [ 1, 0.5, 0.0999755859375, -2 ]
