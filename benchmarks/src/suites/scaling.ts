/** How the cost of a training step grows: with the length of a sequence, with the channels, with the threads. */
import { availableParallelism } from "node:os";
import { initWeights, standardNorms, uploadWeights } from "@normless/gpt2";
import { type Context, longRounds } from "../harness/context.js";
import { mainEngine } from "../harness/engines.js";
import { inTurns, timed } from "../harness/measure.js";
import { growthWithC, growthWithT, showStep, steps, type StepShape } from "../cases/shapes.js";
import { batchNumber, Stepper } from "../steps/stepper.js";

const MOST_THREADS = 8;

export const scalingCases = ["T", "C", "threads"];

export async function scalingSuite(context: Context): Promise<void> {
  const { threads } = context;
  const sets = {
    T: growthWithT.map((shape) => ({ shape, threads, x: shape.T })),
    C: growthWithC.map((shape) => ({ shape, threads, x: shape.config.channels })),
    threads: Array.from({ length: Math.min(MOST_THREADS, availableParallelism()) }, (_, i) => ({
      shape: steps.base,
      threads: i + 1,
      x: i + 1,
    })),
  };
  for (const [name, points] of Object.entries(sets)) {
    if (context.wants(name)) await measureSet(context, name, points);
  }
}

interface Point {
  readonly shape: StepShape;
  readonly threads: number;
  readonly x: number;
}

/** All points of a set in turns. */
async function measureSet(context: Context, name: string, points: readonly Point[]): Promise<void> {
  const contenders = await Promise.all(points.map(start));
  const timings = await inTurns(contenders, longRounds(context));
  for (const [i, { shape, threads, x }] of points.entries()) {
    context.record({
      suite: "scaling",
      case: name,
      about: showStep(shape),
      engine: mainEngine.name,
      threads,
      value: (shape.B * shape.T) / (timings[i].median / 1000),
      unit: "tokens/s",
      ms: timings[i],
      x,
    });
  }
  for (const contender of contenders) await contender.end();
}

/** Takes a first step, whose loss must be that of a fresh model. */
async function start({ shape, threads }: Point) {
  const { config } = shape;
  const backend = await mainEngine.start(threads);
  const params = await uploadWeights(backend, initWeights(config, 1337));
  const stepper = new Stepper(backend, { config, norms: standardNorms(config), params });
  let number = 0;
  const step = () => stepper.step(batchNumber(number++, shape));
  const loss = await step();
  if (!(Math.abs(loss - Math.log(config.vocabSize)) < 0.5)) {
    throw new Error(`${showStep(shape)}: a loss of ${loss} is not that of a fresh model, near ln V`);
  }
  return { ...timed("step", async () => void (await step())), end: () => backend.dispose() };
}
