/** The std of what each norm of a model reads, by position class. */
import { evaluate } from "@normless/autograd";
import {
  atNormInputs,
  checkFinite,
  freeTokens,
  type Model,
  OVERFLOW_ADVICE,
  residual,
  uploadTokens,
} from "@normless/gpt2";
import { type BatchStd, frozenStd, type MeasuredStd, measureStd, readStds } from "@normless/layernorm";
import { type Backend, type PerClass, POSITION_CLASSES, type PositionClass } from "@normless/tensor";
import { type Batch, sequentialBatches } from "@normless/text";
import type { BatchSizes } from "../validation-loss.js";

function backendOf(model: Model): Backend {
  return model.params["wte.weight"].backend;
}

/** Mean std at each norm module by position class, over the first `batches` batches; classes never seen as the rest. */
export async function measureModel(
  model: Model,
  tokens: Uint16Array,
  { batches, ...sizes }: BatchSizes & { readonly batches: number },
): Promise<Record<string, PerClass>> {
  const some = function* () {
    let left = batches;
    for (const batch of sequentialBatches({ tokens, ...sizes })) if (left-- > 0) yield batch;
  };
  const stds = await measureStds(model, some());
  return Object.fromEntries(
    Object.entries(stds).map(([module, { mean, count }]) => {
      const seen = POSITION_CLASSES.filter((name) => count[name] > 0);
      return [module, frozenStd(Object.fromEntries(seen.map((name) => [name, mean[name]])))];
    }),
  );
}

/**
 * Mean std and number of tokens at each norm module by position class, over all of `batches`.
 * @throws NotFiniteError naming the first module and class whose std is no number
 */
export async function measureStds(model: Model, batches: Iterable<Batch>): Promise<Record<string, BatchStd>> {
  const { config, norms } = model;
  const sums: Record<string, Record<"total" | "count", Record<PositionClass, number>>> = {};
  for (const batch of batches) {
    const ids = uploadTokens(backendOf(model), config, batch);
    const measured: Record<string, MeasuredStd> = {};
    const x = evaluate(
      (params) =>
        residual({ config, params, norms }, ids, {
          hooks: atNormInputs(config, (module, { tensor: input }) => {
            measured[module] = measureStd(input, ids.classes, config.eps);
          }),
        }),
      model.params,
    );
    const read = await readStds(Object.values(measured));
    for (const [i, [module, stds]] of Object.entries(measured).entries()) {
      const { mean, count } = read[i];
      checkFinite(
        POSITION_CLASSES.map((name) => mean[name]),
        {
          what: `the std at ${module}`,
          place: (at) => `class ${POSITION_CLASSES[at]}`,
          advice: OVERFLOW_ADVICE,
        },
      );
      stds.mean.free();
      stds.count.free();
      const zero = () => ({ first: 0, eot: 0, rest: 0 });
      sums[module] ??= { total: zero(), count: zero() };
      for (const name of POSITION_CLASSES) {
        sums[module].total[name] += mean[name] * count[name];
        sums[module].count[name] += count[name];
      }
    }
    x.free();
    freeTokens(ids);
  }
  return Object.fromEntries(
    Object.entries(sums).map(([module, { total, count }]) => {
      const mean = (name: PositionClass) => (count[name] > 0 ? total[name] / count[name] : 0);
      return [module, { mean: { first: mean("first"), eot: mean("eot"), rest: mean("rest") }, count }];
    }),
  );
}
