/**
 * Matrix products of real shapes: our engines with one and with all threads, and every peer, in turns. Every result is
 * checked against float64 sums before anything is timed. Also `microkernel`: the best rate of products that stay in a
 * core's own cache on one thread, which is what the engine could do if memory and threads cost nothing.
 */
import { expectClose } from "@normless/tensor/testing";
import { type Context, kernelRounds, productRounds } from "../context.js";
import { mainEngine, type Started, withEngines } from "../engines.js";
import { inTurns, type Timing, timingOf } from "../measure.js";
import { expectedRows, ourProduct, TOLERANCE } from "../our-product.js";
import { productData, transpose } from "../product-data.js";
import { cachedProducts, flops, products, type ProductShape, showProduct } from "../shapes.js";

export async function kernelSuite(context: Context): Promise<void> {
  await withEngines(context, async (started) => {
    for (const { name, backend } of started) context.describe(name, backend.description);
    for (const peer of context.productPeers) context.describe(peer.name, peer.description);
    if (context.wants("microkernel")) await microkernel(context);
    for (const [name, shape] of Object.entries<ProductShape>(products)) {
      if (context.wants(name)) await measureProduct(context, started, name, shape);
    }
  });
}

async function measureProduct(
  context: Context,
  started: readonly Started[],
  name: string,
  shape: ProductShape,
): Promise<void> {
  const data = productData(shape);
  const expected = expectedRows(data, "linear");
  const ours = started.map((engine) => ({ engine, product: ourProduct(engine, data, "linear") }));
  for (const { product } of ours) await product.check(expected);
  // Peers get the weight as (K,M), however ours lies.
  const w = shape.transposeW ? transpose(data.w) : data.w;
  const theirs = [];
  for (const peer of context.productPeers) {
    const refused = peer.refuses?.(shape);
    if (refused !== undefined) {
      context.say(`LEFT OUT: ${name} by ${peer.name}: ${refused}`);
      continue;
    }
    const product = await peer.prepare(shape, data.x.data, w.data);
    const rows = await product.rows(expected.picked);
    expectClose(`${name}, ${peer.name}`, rows, expected.values, TOLERANCE);
    theirs.push({ peer, product });
  }

  const contenders = [
    ...ours.map(({ engine, product }) => ({ engine: engine.name, threads: engine.threads, product })),
    ...theirs.map(({ peer, product }) => ({ engine: peer.name, threads: peer.threads, product })),
  ];
  const timings = await inTurns(
    contenders.map(({ engine, product }) => ({ name: engine, run: () => product.run() })),
    productRounds(context, flops(shape)),
  );
  for (const [i, { engine, threads }] of contenders.entries()) {
    record(context, name, shape, { engine, threads, timing: timings[i] });
  }
  for (const { product } of ours) product.free();
  for (const { product } of theirs) await product.free();
}

/** The best of some sizes; each time is that of many runs, since one takes microseconds. */
async function microkernel(context: Context): Promise<void> {
  const backend = await mainEngine.start(1);
  const rates = [];
  for (const shape of cachedProducts) {
    const data = productData(shape);
    const product = ourProduct({ name: mainEngine.name, threads: 1, backend }, data, "linear");
    await product.check(expectedRows(data, "linear"));
    product.free();

    const x = backend.upload(data.x.data, [shape.rows, shape.K]);
    const w = backend.upload(data.w.data, [shape.K, shape.M]);
    const repeats = Math.ceil((context.quick ? 1e8 : 1e9) / flops(shape));
    const run = () => {
      const begin = performance.now();
      for (let i = 0; i < repeats; i++) backend.run("linear", { x, w }, {}).y.free();
      return (performance.now() - begin) / repeats;
    };
    run();
    const timing = timingOf(Array.from({ length: kernelRounds(context).rounds }, run));
    rates.push({ shape, timing, rate: flops(shape) / timing.median });
    x.free();
    w.free();
  }
  await backend.dispose();
  const best = rates.reduce((a, b) => (b.rate > a.rate ? b : a));
  record(context, "microkernel", best.shape, { engine: mainEngine.name, threads: 1, timing: best.timing });
}

function record(
  context: Context,
  name: string,
  shape: ProductShape,
  { engine, threads, timing }: { readonly engine: string; readonly threads: number; readonly timing: Timing },
): void {
  const value = flops(shape) / timing.median / 1e6;
  const about = showProduct(shape);
  context.record({
    suite: "kernels",
    case: name,
    about,
    engine,
    threads,
    value,
    unit: "GFLOP/s",
    ms: timing,
  });
}
