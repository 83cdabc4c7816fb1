/** tfjs-backend-wasm (XNNPACK in WebAssembly), the peer; installed on demand into benchmarks/peers. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { ProductShape } from "./shapes.js";

interface TfTensor {
  dataSync(): Float32Array;
  dispose(): void;
}
interface Tf {
  tensor2d(data: Float32Array, shape: readonly number[]): TfTensor;
  matMul(a: TfTensor, b: TfTensor): TfTensor;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
}

/** Loads the peer, installing it first where it is missing. */
export async function loadTfjs(): Promise<Tf> {
  const folder = fileURLToPath(new URL("../peers/", import.meta.url));
  if (!existsSync(`${folder}node_modules`)) {
    console.error("installing the peers into benchmarks/peers (once) …");
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--workspaces=false"], {
      cwd: folder,
      stdio: "inherit",
    });
  }
  const require = createRequire(`${folder}package.json`);
  const tf = require("@tensorflow/tfjs-core") as Tf;
  require("@tensorflow/tfjs-backend-wasm");
  await tf.setBackend("wasm");
  await tf.ready();
  return tf;
}

/** x·w as tfjs does it, the result read back and disposed of. */
export function tfjsProduct(tf: Tf, { rows, K, M }: ProductShape, x: Float32Array, w: Float32Array) {
  const [a, b] = [tf.tensor2d(x, [rows, K]), tf.tensor2d(w, [K, M])];
  return {
    compute(): Float32Array {
      const y = tf.matMul(a, b);
      const data = y.dataSync();
      y.dispose();
      return data;
    },
    free(): void {
      a.dispose();
      b.dispose();
    },
  };
}
