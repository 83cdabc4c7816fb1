/**
 * Matrix products of real shapes: our engines with one and with all threads, and every peer, in turns. Every result is
 * checked against float64 sums before anything is timed. Beside `mlp_in` runs `microkernel`: the engine's inner loop on
 * one tile in the nearest cache, which is what it could do if memory and the edges of tiles cost nothing.
 */
import { expectClose } from "@normless/tensor/testing";
import { type Context, productRounds } from "../harness/context.js";
import { mainEngine, type Started, withEngines } from "../harness/engines.js";
import { type Contender, inTurns, timed } from "../harness/measure.js";
import { expectedRows, ourProduct, TOLERANCE } from "../cases/our-product.js";
import { productData, transpose } from "../cases/product-data.js";
import { flops, products, type ProductShape, showProduct } from "../cases/shapes.js";

export const kernelCases = [...Object.keys(products), "microkernel"];

/** About 50 ms. */
const MICROKERNEL_TURNS = 100_000;

/** A contender, and what its row says of it. */
interface Entrant extends Contender {
  readonly case: string;
  readonly about: string;
  readonly engine: string;
  readonly threads: number;
  readonly flops: number;
  /** Gives back what it holds. */
  readonly end: () => void | Promise<void>;
}

export async function kernelSuite(context: Context): Promise<void> {
  await withEngines(context, async (started) => {
    for (const [name, shape] of Object.entries<ProductShape>(products)) {
      const besides = name === "mlp_in" ? ["microkernel"] : [];
      if (context.wants(name, ...besides)) await measureProduct(context, started, name, shape);
    }
  });
}

async function measureProduct(
  context: Context,
  started: readonly Started[],
  name: string,
  shape: ProductShape,
): Promise<void> {
  const entrants = await productEntrants(context, started, name, shape);
  if (name === "mlp_in") {
    for (const threads of new Set([1, context.threads])) entrants.push(await microkernel(threads));
  }
  const timings = await inTurns(entrants, productRounds(context, flops(shape)));
  for (const [i, { case: name, about, engine, threads, flops, end }] of entrants.entries()) {
    const value = flops / timings[i].median / 1e6;
    context.record({
      suite: "kernels",
      case: name,
      about,
      engine,
      threads,
      value,
      unit: "GFLOP/s",
      ms: timings[i],
    });
    await end();
  }
}

/** Ours and the peers', each checked. */
async function productEntrants(
  context: Context,
  started: readonly Started[],
  name: string,
  shape: ProductShape,
): Promise<Entrant[]> {
  const data = productData(shape);
  const expected = expectedRows(data, "linear");
  const about = { case: name, about: showProduct(shape), flops: flops(shape) };
  const entrants: Entrant[] = [];
  for (const engine of started) {
    const product = ourProduct(engine, data, "linear");
    await product.check(expected);
    entrants.push({ ...product, ...about, engine: engine.name, threads: engine.threads, end: product.free });
  }
  // Peers get the weight as (K,M), however ours lies.
  const w = shape.transposeW ? transpose(data.w) : data.w;
  for (const peer of context.productPeers) {
    const refused = peer.refuses?.(shape);
    if (refused !== undefined) {
      context.say(`LEFT OUT: ${name} by ${peer.name}: ${refused}`);
      continue;
    }
    const product = await peer.prepare(shape, data.x.data, w.data);
    expectClose(`${name}, ${peer.name}`, await product.rows(expected.picked), expected.values, TOLERANCE);
    entrants.push({
      ...about,
      name: peer.name,
      engine: peer.name,
      threads: peer.threads,
      run: product.run,
      end: product.free,
    });
  }
  return entrants;
}

async function microkernel(threads: number): Promise<Entrant> {
  const backend = await mainEngine.start(threads);
  const run = () => backend.diagnostics.microKernel(MICROKERNEL_TURNS);
  return {
    ...timed("microkernel", () => {
      run();
      return Promise.resolve();
    }),
    case: "microkernel",
    about: "6×8 tiles, 256 steps",
    engine: mainEngine.name,
    threads,
    flops: run(),
    end: () => backend.dispose(),
  };
}
