/** Two models on one engine, for as long as a command looks at them. */
import type { LoadedModel } from "@normless/gpt2";
import type { Both } from "@normless/evaluate";
import { type ModelOnDevice, onDevice } from "../engine/device.js";
import { type EngineOptions, withEngine } from "../engine/engine.js";
import { UsageError } from "../errors.js";
import { findModel } from "./hub.js";
import type { Io } from "../terminal/io.js";
import { tokensDiffer } from "./same-tokens.js";

/** Reads both, by folder or name on the hub, and gives all memory back afterwards. @throws UsageError when their tokens are not the same, or their logits not as many */
export async function withTwoModels<X>(
  io: Io,
  names: Both<string>,
  options: EngineOptions,
  use: (models: Both<ModelOnDevice>) => Promise<X>,
): Promise<X> {
  const found = { a: await findModel(io, names.a), b: await findModel(io, names.b) };
  const named = (which: "a" | "b") => ({ name: names[which], path: found[which].folder });
  return found.a.use((a) =>
    found.b.use(async (b) => {
      checkBoth({ a, b }, names);
      return withEngine(io, options, ({ backend }) => {
        const model = { a: { ...named("a"), loaded: a }, b: { ...named("b"), loaded: b } };
        return onDevice(backend, model.a, (a) => onDevice(backend, model.b, (b) => use({ a, b })));
      });
    }),
  );
}

/** @throws UsageError when their tokens are not the same, or their logits not as many */
function checkBoth(loaded: Both<LoadedModel>, names: Both<string>): void {
  const difference = tokensDiffer(loaded.a, loaded.b);
  if (difference) {
    throw new UsageError(
      `${names.a} and ${names.b}: ${difference}; only models that read the same tokens can be compared`,
    );
  }
  const [width, other] = [loaded.a.config.vocabSize, loaded.b.config.vocabSize];
  if (width !== other) {
    throw new UsageError(
      `${names.a} and ${names.b} read the same tokens, but one has ${width} logits and the other ${other}: of such ` +
        `predictions only the cross-entropies can be compared, normless eval --model ${names.a} ${names.b}`,
    );
  }
}
