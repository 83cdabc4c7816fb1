/** `node peer.js FOLDER`: writes the folder's outcome.safetensors. test/peers/test_llama.py bundles and runs it. */
import { join } from "node:path";
import { writeSafetensors } from "@normless/safetensors";
import { writeFileAtomic } from "@normless/safetensors/node";
import { wasm } from "@normless/tensor-wasm";
import { outcome } from "./outcome.js";

const [folder] = process.argv.slice(2);
const backend = await wasm();
await writeFileAtomic(join(folder, "outcome.safetensors"), writeSafetensors(await outcome(backend, folder)));
await backend.dispose();
