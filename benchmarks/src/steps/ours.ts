/** A process that takes training steps with one of our engines, so that its memory is its own. Started by contender.ts. */
import { readFileSync } from "node:fs";
import { checkConfig, checkWeights, standardNorms } from "@normless/gpt2";
import { openStore } from "@normless/safetensors";
import { openFile } from "@normless/safetensors/node";
import type { Backend, Tensor } from "@normless/tensor";
import { engineNamed } from "../harness/engines.js";
import { serve } from "../harness/line-process.js";
import { type LoadRequest, requestSchema } from "./protocol.js";
import { Stepper } from "./stepper.js";

let backend: Backend | undefined;
let stepper: Stepper | undefined;

/** Parameter by parameter, so that the whole model is in memory once. */
async function load({ config, weights, optimizer }: LoadRequest): Promise<void> {
  if (!backend) throw new Error("load before start");
  stepper?.free();
  const file = await openFile(weights);
  const store = await openStore([file]);
  const params: Record<string, Tensor> = {};
  for (const name of store.names()) {
    const data = await store.readFloat32(name);
    params[name.replace(/^transformer\./, "")] = backend.upload(data, store.info(name).shape);
  }
  await file.close();
  checkWeights(checkConfig(config), params);
  stepper = new Stepper(backend, { config, norms: standardNorms(config), params }, optimizer);
}

/** The most memory that this process has held (VmHWM), where the system is Linux. */
function peakBytes(): number | undefined {
  if (process.platform !== "linux") return undefined;
  const found = /VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
  return found ? Number(found[1]) * 1024 : undefined;
}

await serve(async (message) => {
  const request = requestSchema.parse(message);
  switch (request.op) {
    case "start":
      backend = await engineNamed(request.engine).start(request.threads);
      return { description: backend.description };
    case "load":
      await load(request);
      return { ok: true };
    case "step": {
      if (!stepper) throw new Error("step before load");
      const { B, T } = request;
      const batch = {
        B,
        T,
        inputs: Int32Array.from(request.inputs),
        targets: Int32Array.from(request.targets),
      };
      const begin = performance.now();
      const loss = await stepper.step(batch);
      return { loss, ms: performance.now() - begin };
    }
    case "peak":
      return { bytes: peakBytes() };
  }
});
await backend?.dispose();
