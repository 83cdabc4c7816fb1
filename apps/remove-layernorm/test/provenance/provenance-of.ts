/** Where a run that never was comes from. */
import type { EndedProvenance } from "../../src/provenance/schema.js";

const part = (name: string, hash: string) => ({
  files: [{ name, bytes: 6036, sha256: hash.repeat(64), tokens: 3000 }],
  tokens: 3000,
  documents: 75,
  sha256: hash.repeat(64),
});

export const someProvenance = {
  model: {
    name: "model",
    weights: [{ name: "model.safetensors", bytes: 123_456, sha256: "a".repeat(64) }],
  },
  data: { train: part("train.bin", "b"), validation: part("val.bin", "c") },
  command: "npx normless remove --model model --recipe distilled --simd relaxed",
  processes: [
    {
      began: "2026-01-31T09:05:00.000Z",
      normless: "1.2.3",
      packages: { "@normless/tensor": "1.2.3" },
      node: "20.20.2",
      engine: "wasm, relaxed SIMD, 2 threads",
      threads: 2,
      system: "linux x64",
      cpu: "A CPU",
      cores: 2,
      memoryBytes: 2 ** 34,
    },
  ],
};

export const endedProvenance: EndedProvenance = { ...someProvenance, ended: "2026-01-31T09:08:01.000Z" };
