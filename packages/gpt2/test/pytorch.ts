/**
 * The fixture of fixtures/make_fixtures.py as checks of any backend, in Node or in a browser: plain functions that
 * throw. gives-pytorchs-values.ts makes tests of them. Not part of the package.
 */
import { evaluate, type Parameters, valueAndGrad, type Variables } from "@normless/autograd";
import { measureStd } from "@normless/layernorm";
import { AdamW } from "@normless/optim";
import { type Backend, sameShape, showShape, type Tensor } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import {
  atNormInputs,
  type BoundModel,
  forward,
  freeParams,
  freeTokens,
  type NormModule,
  normModules,
  residual,
  type Tokens,
  trainingLoss,
  uploadTargets,
  uploadTokens,
  uploadWeights,
} from "../src/index.js";
import { type Fixture, normsOf, tensorsUnder } from "./fixture.js";

const TOLERANCE = 1e-5;

export interface PyTorchCheck {
  readonly name: string;
  /** @throws Error when the backend gives other values, or keeps a tensor. */
  run(backend: Backend): Promise<void>;
}

/** Variants of the model that the fixture has values of. */
export function tagsOf({ expected }: Fixture): string[] {
  return [...new Set(expected.names().flatMap((name) => /^(.*)\/logits$/.exec(name)?.[1] ?? []))];
}

export function tagsWithGradients(fixture: Fixture): string[] {
  return tagsOf(fixture).filter((tag) => fixture.expected.has(`${tag}/grad/wte.weight`));
}

export function pytorchChecks(fixture: Fixture): PyTorchCheck[] {
  const check = (name: string, run: (on: OnBackend) => Promise<void>): PyTorchCheck => ({
    name,
    async run(backend) {
      const before = backend.memory().liveTensors;
      const on = new OnBackend(fixture, backend);
      await run(on);
      on.free();
      const kept = backend.memory().liveTensors - before;
      if (kept !== 0) throw new Error(`${name}: ${kept} tensors were not freed`);
    },
  });
  return [
    ...tagsOf(fixture).map((tag) => check(`${tag}: logits and loss`, (on) => on.logitsAndLoss(tag))),
    ...tagsWithGradients(fixture).map((tag) => check(`${tag}: every gradient`, (on) => on.gradients(tag))),
    check("two micro-batches add up to the batch", (on) => on.microBatches()),
    check("stds at every norm, by token and by position class", (on) => on.stds()),
    check("three AdamW updates", (on) => on.updates()),
  ];
}

/** The fixture's tokens on a backend, and what is checked there. */
class OnBackend {
  readonly tokens: Tokens;
  readonly goal: Tensor;
  readonly totalTokens: number;

  constructor(
    readonly fixture: Fixture,
    readonly backend: Backend,
  ) {
    const { config, targets, B, T } = fixture;
    this.tokens = uploadTokens(backend, config, fixture);
    this.goal = uploadTargets(backend, config, targets, T);
    this.totalTokens = B * T;
  }

  free(): void {
    freeTokens(this.tokens);
    this.goal.free();
  }

  /** Runs `use` with a tag's model on the backend. */
  async #withModel(
    tag: string,
    use: (params: Parameters, bind: (params: Variables) => BoundModel) => Promise<void>,
  ): Promise<void> {
    const { weights, ...rest } = await variant(tag, this.fixture);
    const params = await uploadWeights(this.backend, weights);
    await use(params, (variables) => ({ ...rest, params: variables }));
    freeParams(params);
  }

  async #expectTensor(name: string, tensor: Tensor): Promise<void> {
    const { expected } = this.fixture;
    const { shape } = expected.info(name);
    if (!sameShape(tensor.shape, shape)) {
      throw new Error(`${name} has shape ${showShape(tensor.shape)}, not ${showShape(shape)}`);
    }
    expectClose(name, await tensor.read(), await expected.readFloat32(name), TOLERANCE);
    tensor.free();
  }

  async #expectNumber(name: string, tensor: Tensor, value: number): Promise<void> {
    expectClose(name, [await tensor.item()], [value], TOLERANCE);
    tensor.free();
  }

  async logitsAndLoss(tag: string): Promise<void> {
    const { tokens, goal, totalTokens, fixture } = this;
    await this.#withModel(tag, async (params, bind) => {
      await this.#expectTensor(
        `${tag}/logits`,
        evaluate((p) => forward(bind(p), tokens), params),
      );
      const loss = evaluate((p) => trainingLoss(bind(p), tokens, goal, { totalTokens }).prediction, params);
      await this.#expectNumber(`${tag}/loss`, loss, fixture.number(`${tag}/loss`));
    });
  }

  async gradients(tag: string): Promise<void> {
    const { tokens, goal, totalTokens, fixture } = this;
    await this.#withModel(tag, async (params, bind) => {
      const auxiliaryWeight = tag === "standard_aux" ? 0.1 : 0;
      const { value, grads } = valueAndGrad(
        (p) => trainingLoss(bind(p), tokens, goal, { totalTokens, auxiliaryWeight }).total,
        params,
      );
      const auxiliary = auxiliaryWeight ? fixture.number(`${tag}/aux`) : 0;
      await this.#expectNumber(`${tag}: total`, value, fixture.number(`${tag}/loss`) + auxiliary);
      for (const [name, grad] of Object.entries(grads)) await this.#expectTensor(`${tag}/grad/${name}`, grad);
    });
  }

  async microBatches(): Promise<void> {
    const { backend, totalTokens, fixture } = this;
    const { config, inputs, targets, B, T } = fixture;
    const rows = (ids: Int32Array, begin: number, end: number) => ids.slice(begin * T, end * T);
    await this.#withModel("standard", async (params, bind) => {
      let grads: Parameters | undefined;
      for (const [begin, end] of [
        [0, 1],
        [1, B],
      ]) {
        const part = uploadTokens(backend, config, { inputs: rows(inputs, begin, end), B: end - begin, T });
        const aim = uploadTargets(backend, config, rows(targets, begin, end), T);
        const run = valueAndGrad(
          (p) => trainingLoss(bind(p), part, aim, { totalTokens }).total,
          params,
          grads,
        );
        run.value.free();
        freeTokens(part);
        aim.free();
        grads = run.grads;
      }
      for (const [name, grad] of Object.entries(grads ?? {})) {
        await this.#expectTensor(`standard/grad/${name}`, grad);
      }
    });
  }

  async stds(): Promise<void> {
    const { backend, tokens, fixture } = this;
    const { config, facts } = fixture;
    await this.#withModel("standard", async (params, bind) => {
      const checks: Promise<void>[] = [];
      const seen: NormModule[] = [];
      const hooks = atNormInputs(config, (module, { tensor: x }) => {
        seen.push(module);
        const { std } = backend.run("rowStd", { x }, { eps: config.eps });
        checks.push(this.#expectTensor(`standard/std/${module}`, std));
        const { mean, count } = measureStd(x, tokens.classes, config.eps);
        const { std: rest, std0: first } = facts.measured[module];
        checks.push(
          mean.read().then((means) => {
            expectClose(`${module}, measured`, [means[0], means[2]], [first, rest], TOLERANCE);
            mean.free();
            count.free();
          }),
        );
      });
      evaluate((p) => residual(bind(p), tokens, { hooks }), params).free();
      await Promise.all(checks);
      const modules = normModules(config).join();
      if (seen.join() !== modules)
        throw new Error(`the norms were seen in the order ${seen.join()}, not ${modules}`);
    });
  }

  async updates(): Promise<void> {
    const { backend, tokens, goal, totalTokens, fixture } = this;
    const { facts, expected } = fixture;
    const C = fixture.config.channels;
    const { lr, betas, eps, weight_decay, clip, losses, grad_norms } = facts.adamw;
    await this.#withModel("standard", async (params, bind) => {
      const settings = {
        ...{ beta1: betas[0], beta2: betas[1], eps, weightDecay: weight_decay },
        decays: (_name: string, { shape }: Tensor) => shape.length >= 2,
      };
      const optimizer = new AdamW(backend, params, settings);
      for (const [step, loss] of losses.entries()) {
        const { value, grads } = valueAndGrad(
          (p) => trainingLoss(bind(p), tokens, goal, { totalTokens }).total,
          params,
        );
        const normSquared = optimizer.update(grads, { learningRate: lr, maxNorm: clip });
        await this.#expectNumber(`loss of step ${step}`, value, loss);
        await this.#expectNumber(
          `gradient norm of step ${step}, squared`,
          normSquared,
          grad_norms[step] ** 2,
        );
        freeParams(grads);
      }
      for (const [name, param] of Object.entries(params)) {
        const after = `adamw${losses.length}/${name}`;
        const [actual, wanted] = [await param.read(), await expected.readFloat32(after)];
        // The loss does not depend on a key's bias (it adds the same to all scores of a query), so its gradient is
        // rounding noise, which Adam scales up to updates of full size.
        if (name.endsWith("c_attn.bias")) for (const b of [actual, wanted]) b.fill(0, C, 2 * C);
        expectClose(after, actual, wanted, TOLERANCE);
      }
      optimizer.free();
    });
  }
}

/** What a tag is about: its config, weights and norms. */
async function variant(tag: string, fixture: Fixture) {
  const own = await tensorsUnder(fixture.expected, `${tag}/param/`);
  const isFolded = Object.keys(own).length > 0;
  return {
    config: {
      ...fixture.config,
      gelu: tag === "gelu_exact" ? ("none" as const) : fixture.config.gelu,
      tied: !isFolded,
    },
    weights: isFolded ? own : fixture.weights,
    norms: normsOf(tag, fixture),
  };
}
