/** What a step does besides products. Each op is checked against the reference backend on a short sequence first. */
import { reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import { type Context, kernelRounds } from "../harness/context.js";
import { type Started, withEngines } from "../harness/engines.js";
import { inTurns, timed } from "../harness/measure.js";
import { type OpCase, opCases, type StartedOp } from "../cases/op-cases.js";

const T = 1024;
/** The reference is plain loops. No multiple of four. */
const CHECKED_T = 37;
const TOLERANCE = 1e-4;

export async function opSuite(context: Context): Promise<void> {
  await withEngines(context, async (started) => {
    for (const [name, op] of Object.entries(opCases)) {
      if (!context.wants(name)) continue;
      for (const engine of started) await check(name, op, engine);
      await measure(context, name, op, started);
    }
  });
}

async function measure(
  context: Context,
  name: string,
  op: OpCase,
  started: readonly Started[],
): Promise<void> {
  const runs = started.map((engine) => ({ engine, op: op.start(engine.backend, T) }));
  const timings = await inTurns(
    runs.map(({ engine, op }) =>
      timed(name, async () => {
        const made = op.run();
        await engine.backend.sync();
        for (const tensor of made) tensor.free();
      }),
    ),
    kernelRounds(context),
  );
  for (const [i, { engine, op: run }] of runs.entries()) {
    context.record({
      suite: "ops",
      case: name,
      about: op.about(T),
      engine: engine.name,
      threads: engine.threads,
      value: op.work(T) / timings[i].median / 1e6,
      unit: op.unit,
      ms: timings[i],
    });
    for (const tensor of run.operands) tensor.free();
  }
}

/** @throws Error when a result, or what an op changed in place, is not the reference's. */
async function check(name: string, op: OpCase, { backend, threads }: Started): Promise<void> {
  const oracle = reference();
  const [actual, expected] = [
    await values(op.start(backend, CHECKED_T)),
    await values(op.start(oracle, CHECKED_T)),
  ];
  for (const [i, value] of expected.entries()) {
    expectClose(`${name}, ${threads} threads, tensor ${i}`, actual[i], value, TOLERANCE);
  }
}

async function values({ run, operands }: StartedOp): Promise<ArrayLike<number>[]> {
  const made = run();
  const read = [];
  for (const tensor of [...made, ...operands]) {
    read.push(await tensor.read());
    tensor.free();
  }
  return read;
}
