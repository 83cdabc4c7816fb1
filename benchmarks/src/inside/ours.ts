/** A process that looks into a model with @normless/interpret on the native engine, so that its memory is its own. */
import { type Model, uploadWeights } from "@normless/gpt2";
import { openModelFolder } from "@normless/gpt2/node";
import { activationPatching, logitDifference, runWithCache } from "@normless/interpret";
import { native } from "@normless/tensor-native";
import { serve } from "../harness/line-process.js";
import { insideRequest } from "./protocol.js";

let model: Model | undefined;

await serve(async (message) => {
  const request = insideRequest.parse(message);
  if (request.op === "load") {
    const backend = await native({ threads: request.threads });
    const opened = await openModelFolder(request.folder);
    const { config, norms, weights } = opened;
    model = { config, norms, params: await uploadWeights(backend, weights) };
    await opened.close();
    return { description: backend.description };
  }
  if (request.op === "peak") return { bytes: 1024 * process.resourceUsage().maxRSS };
  if (!model) throw new Error(`${request.op} before load`);
  const begin = performance.now();
  if (request.op === "cache") {
    using run = runWithCache(model, request.ids, (name) => !name.endsWith("hook_result"));
    await run.logits.backend.sync();
    return { ms: performance.now() - begin, names: Object.keys(run.cache).length };
  }
  const { clean, corrupted, token, versus } = request;
  const metric = logitDifference(token, versus);
  const { values } = await activationPatching(model, { clean, corrupted }, metric, { at: "hook_resid_pre" });
  return { ms: performance.now() - begin, values: [...values] };
});
