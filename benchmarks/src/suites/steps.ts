/**
 * Whole training steps of GPT-2, ours and PyTorch's, each contender in a process of its own. All start from the same
 * weights and see the same batches; the losses of a few steps are compared before anything is timed.
 */
import { type Context, hasPeer } from "../harness/context.js";
import { mainEngine } from "../harness/engines.js";
import { inTurns } from "../harness/measure.js";
import { ofForm } from "../peers/pytorch.js";
import { showContender } from "../results/results.js";
import { showStep, steps, type StepShape } from "../cases/shapes.js";
import {
  ourContender,
  peakOf,
  pytorchContenders,
  type StepContender,
  type StepTask,
  load,
  takeStep,
} from "../steps/contender.js";
import { checkBatches, checkSettings, checkTolerance, optimizerSettings } from "../steps/stepper.js";

const ROUNDS = 9;

export async function stepSuite(context: Context): Promise<void> {
  for (const [name, shape] of Object.entries<StepShape>(steps)) {
    if (context.wants(name)) await measureStep(context, name, shape);
  }
}

/** What takes its turn: one process, or several at once, each with a step of its own. */
interface Entry extends Pick<StepContender, "engine" | "threads" | "form"> {
  readonly contenders: readonly StepContender[];
}

async function measureStep(context: Context, name: string, shape: StepShape): Promise<void> {
  const { config, B, T } = shape;
  const task: StepTask = { config, B, T, folder: await context.models.of(config) };
  const contenders: StepContender[] = [];
  const entries: Entry[] = [];
  const add = (contender: StepContender) => {
    const { engine, threads, form } = contender;
    contenders.push(contender);
    entries.push({ engine, threads, ...(form && { form }), contenders: [contender] });
  };
  try {
    if (name === "small_1x256" && context.threads > 1) {
      const single = () => ourContender(mainEngine.name, 1);
      add(await single());
      // What the machine's cores give to threads that share nothing and wait for nobody.
      while (contenders.length < context.threads) contenders.push(await single());
      const engine = `${context.threads} × ${mainEngine.name}`;
      entries.push({ engine, threads: 1, contenders: [...contenders] });
    }
    for (const { name: engine } of context.engines) add(await ourContender(engine, context.threads));
    if (hasPeer(context, "pytorch")) (await pytorchContenders(context)).forEach(add);
    const firstMs = await checkLosses(name, contenders, task);
    for (const contender of contenders) await load(contender, task, optimizerSettings);

    let number = 0;
    const timings = await inTurns(
      entries.map((entry) => ({
        name: entry.engine,
        async run() {
          const steps = entry.contenders.map((contender) => takeStep(contender, number++, task));
          return Math.max(...(await Promise.all(steps)).map(({ ms }) => ms));
        },
      })),
      { rounds: context.quick ? 1 : ROUNDS, warmup: 1 },
    );
    for (const [i, { engine, threads, form, contenders }] of entries.entries()) {
      const peaks = await Promise.all(contenders.map(peakOf));
      const peakBytes = peaks.reduce((sum, peak) => (sum && peak ? sum + peak : undefined));
      context.record({
        suite: "steps",
        case: name,
        about: showStep(shape),
        engine,
        threads,
        ...ofForm(form, firstMs.get(contenders[0])),
        value: (contenders.length * B * T) / (timings[i].median / 1000),
        unit: "tokens/s",
        ms: timings[i],
        ...(peakBytes !== undefined && { peakBytes }),
      });
    }
  } finally {
    for (const { process } of contenders) await process.end();
  }
}

/**
 * The milliseconds of each one's first step.
 * @throws Error when two contenders disagree, or when the loss is not that of a fresh model, near ln V.
 */
async function checkLosses(
  name: string,
  contenders: readonly StepContender[],
  task: StepTask,
): Promise<ReadonlyMap<StepContender, number>> {
  const firstMs = new Map<StepContender, number>();
  for (const contender of contenders) await load(contender, task, checkSettings);
  for (const [step, number] of checkBatches.entries()) {
    const losses: number[] = [];
    for (const contender of contenders) {
      const { loss, ms } = await takeStep(contender, number, task);
      losses.push(loss);
      if (step === 0) firstMs.set(contender, ms);
    }
    const [first] = losses;
    if (step === 0 && !(Math.abs(first - Math.log(task.config.vocabSize)) < 0.5)) {
      throw new Error(`${name}: a loss of ${first} is not that of a fresh model, near ln V`);
    }
    for (const [i, loss] of losses.entries()) {
      if (Math.abs(loss - first) <= checkTolerance * first) continue;
      throw new Error(
        `${name}, step ${step}: ${showContender(contenders[i])}, has loss ${loss}, ` +
          `${showContender(contenders[0])}, ${first}: not the same computation, so nothing is timed`,
      );
    }
  }
  return firstMs;
}
