/**
 * Every layout of the products in a step of GPT-2 small: forward, the input's gradient, the weight's gradient. They run
 * in turns with the forward product of `mlp_in`, so that each has a ratio to it that a noisy machine cannot bend.
 */
import { type Context, productRounds } from "../harness/context.js";
import { withEngines } from "../harness/engines.js";
import { inTurns } from "../harness/measure.js";
import { expectedRows, ourProduct } from "../cases/our-product.js";
import { productData } from "../cases/product-data.js";
import { flops, productOps, products, showProduct, stepProducts } from "../cases/shapes.js";

/** A product is all of its layouts. */
export const transposeCases = stepProducts.flatMap((name) => [
  name,
  ...productOps.map((op) => `${name} ${op}`),
]);

export async function transposeSuite(context: Context): Promise<void> {
  await withEngines(context, async (started) => {
    const mlpIn = productData(products.mlp_in);
    for (const engine of started.filter(({ threads }) => threads === context.threads)) {
      const anchor = ourProduct(engine, mlpIn, "linear");
      for (const name of stepProducts) {
        const ops = productOps.filter((op) => context.wants(name, `${name} ${op}`));
        if (ops.length === 0) continue;
        const shape = products[name];
        const data = productData(shape);
        const contenders = ops.map((op) => ourProduct(engine, data, op));
        for (const [i, op] of ops.entries()) await contenders[i].check(expectedRows(data, op));
        const [reference, ...timings] = await inTurns(
          [anchor, ...contenders],
          productRounds(context, flops(shape)),
        );
        const anchorRate = flops(products.mlp_in) / reference.median / 1e6;
        for (const [i, op] of ops.entries()) {
          const value = flops(shape) / timings[i].median / 1e6;
          context.record({
            suite: "transposes",
            case: `${name} ${op}`,
            about: showProduct(shape),
            engine: engine.name,
            threads: engine.threads,
            value,
            unit: "GFLOP/s",
            ms: timings[i],
            toMlpIn: value / anchorRate,
          });
        }
        for (const product of contenders) product.free();
      }
      anchor.free();
    }
  });
}
