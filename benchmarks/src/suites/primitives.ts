/**
 * Primitives, each at three sizes: ours on one thread and on all, and the peers that have it. Results are checked first: at the
 * smallest size all against the reference backend, at the others against ours on one thread. Then they take turns.
 */
import { type Backend, reference, type Tensor } from "@normless/tensor";
import { expectClose, type Value } from "@normless/tensor/testing";
import type { WasmBackend } from "@normless/tensor-wasm";
import { type Primitive, primitives } from "../cases/primitives/index.js";
import type { Context } from "../harness/context.js";
import { mainEngine } from "../harness/engines.js";
import { inTurns, type Rounds } from "../harness/measure.js";
import type { PreparedOp } from "../peers/op-peer.js";
import { showEngine } from "../results/results.js";

export const primitiveCases = primitives.map(({ name }) => name);

/** Rows and columns: 2^10, 2^16 and 2^22 values. */
const SIDES = [32, 256, 2048];
/** max |difference| / max |expected|. jax-js's log1p and pow are that far off. */
const TOLERANCE = 2e-5;

/** From so many milliseconds on, a few runs have to do. */
const LONG_MS = 200;

interface Entrant extends PreparedOp {
  readonly name: string;
  readonly engine: string;
  readonly threads: number;
}

export async function primitiveSuite(context: Context): Promise<void> {
  const wanted = primitives.filter(({ name }) => context.wants(name));
  if (wanted.length === 0) return;
  const engines: WasmBackend[] = [];
  try {
    for (const threads of new Set([1, context.threads])) engines.push(await mainEngine.start(threads));
    for (const op of wanted) {
      for (const side of context.quick ? SIDES.slice(0, 2) : SIDES) await measure(context, engines, op, side);
    }
  } finally {
    for (const engine of engines) await engine.dispose();
  }
}

async function measure(
  context: Context,
  engines: readonly WasmBackend[],
  op: Primitive,
  side: number,
): Promise<void> {
  const operands = op.operands(side);
  const entrants: Entrant[] = engines.map((backend) => ourEntrant(backend, op, operands));
  const at = `${op.name}, ${side * side} values`;
  for (const peer of context.opPeers) {
    const call = op.peers[peer.name];
    if (!call) continue;
    try {
      const prepared = await peer.prepare(call, operands);
      // What cannot run here shows now.
      await prepared.run();
      entrants.push({ ...prepared, name: peer.name, engine: peer.name, threads: peer.threads });
    } catch (error) {
      context.say(
        `LEFT OUT: ${at}, by ${peer.name}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  await check(at, op, side === SIDES[0] ? [referenceEntrant(op, operands), ...entrants] : entrants);
  const slowest = Math.max(...(await runAll(entrants)));
  const timings = await inTurns(entrants, rounds(context, slowest));
  for (const [i, { engine, threads, free }] of entrants.entries()) {
    context.record({
      suite: "primitives",
      case: op.name,
      about: operands.map(({ shape }) => `(${shape.join()})`).join(" "),
      engine,
      threads,
      value: 1000 * timings[i].median,
      unit: "µs",
      ms: timings[i],
      x: side * side,
    });
    free();
  }
}

async function runAll(entrants: readonly Entrant[]): Promise<number[]> {
  const times: number[] = [];
  for (const { run } of entrants) times.push(await run());
  return times;
}

/** Our threads wait awake for 50 µs only, so that a millisecond is rest enough. */
function rounds({ quick }: Context, slowest: number): Rounds {
  if (quick) return { rounds: 1, warmup: 0, turnMs: 0.1, restMs: 0 };
  const turns =
    slowest > LONG_MS ? { rounds: slowest > 5 * LONG_MS ? 1 : 3, warmup: 0 } : { rounds: 5, warmup: 1 };
  return { ...turns, turnMs: 10, restMs: 1 };
}

/** @throws Error naming the first entrant whose result is not that of the first of them */
async function check(at: string, op: Primitive, [first, ...others]: readonly Entrant[]): Promise<void> {
  const expected = await first.values();
  for (const { name, values } of others) {
    expectClose(`${at}, ${name} against ${first.name}`, await values(), expected, op.tolerance ?? TOLERANCE);
  }
}

function ourEntrant(backend: WasmBackend, op: Primitive, operands: readonly Value[]): Entrant {
  return {
    ...prepared(op, operands, backend, () => backend.diagnostics.drain()),
    name: showEngine({ engine: mainEngine.name, threads: backend.threads }),
    engine: mainEngine.name,
    threads: backend.threads,
  };
}

const referenceEntrant = (op: Primitive, operands: readonly Value[]): Entrant => ({
  ...prepared(op, operands, reference(), () => undefined),
  name: "reference",
  engine: "reference",
  threads: 1,
});

/** The op on operands of that backend; `drain` returns when all is computed. */
function prepared(
  op: Primitive,
  operands: readonly Value[],
  backend: Backend,
  drain: () => void,
): PreparedOp {
  const none = backend.memory().liveTensors;
  const tensors = operands.map(({ data, shape }) => backend.upload(data, shape));
  const freeAll = (made: readonly Tensor[]) => {
    for (const tensor of made) tensor.free();
  };
  const compute = (): readonly Tensor[] => [op.ours(tensors)].flat();
  return {
    run() {
      const begin = performance.now();
      const made = op.ours(tensors);
      drain();
      const ms = performance.now() - begin;
      freeAll([made].flat());
      return Promise.resolve(ms);
    },
    async values() {
      const made = compute();
      const values = await made[0].read();
      freeAll(made);
      return values;
    },
    free() {
      freeAll(tensors);
      const left = backend.memory().liveTensors - none;
      if (left !== 0) throw new Error(`${op.name}: ${left} tensors are left`);
    },
  };
}
