/** The fixture of fixtures/make_fixtures.py as tests of any backend; pytorch.test.ts runs them. Not part of the package. */
import { evaluate, type Parameters, valueAndGrad, type Variables } from "@normless/autograd";
import { measureStd } from "@normless/layernorm";
import { AdamW, zeroGradients } from "@normless/optim";
import type { Backend, Tensor } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
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
import { normsOf, readFixture, tensorsUnder } from "./fixture.js";

const TOLERANCE = 1e-5;
const fixture = await readFixture(new URL("./fixtures/gpt2-nano/", import.meta.url));
const { expected, facts, inputs, targets, B, T } = fixture;
const totalTokens = B * T;
const C = fixture.config.channels;
export const tags = [...new Set(expected.names().flatMap((name) => /^(.*)\/logits$/.exec(name)?.[1] ?? []))];
export const withGradients = tags.filter((tag) => expected.has(`${tag}/grad/wte.weight`));

/** What a tag is about: its config, weights and norms. */
async function variant(tag: string) {
  const own = await tensorsUnder(expected, `${tag}/param/`);
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

/** The tests that a backend gives PyTorch's values. Call it in a `describe`; the backend is disposed of at the end. */
export function givesPyTorchsValues(open: () => Promise<Backend>): void {
  let backend: Backend;
  let tokens: Tokens;
  let goal: Tensor;
  beforeAll(async () => {
    backend = await open();
    tokens = uploadTokens(backend, fixture.config, fixture);
    goal = uploadTargets(backend, fixture.config, targets, T);
  });
  afterAll(async () => {
    freeTokens(tokens);
    goal.free();
    const { liveTensors } = backend.memory();
    await backend.dispose();
    expect(liveTensors).toBe(0);
  });

  /** Runs `use` with a tag's model on the backend. */
  async function withModel(
    tag: string,
    use: (params: Parameters, bind: (params: Variables) => BoundModel) => Promise<void>,
  ): Promise<void> {
    const { weights, ...rest } = await variant(tag);
    const params = uploadWeights(backend, weights);
    await use(params, (variables) => ({ ...rest, params: variables }));
    freeParams(params);
  }

  async function expectTensor(name: string, tensor: Tensor): Promise<void> {
    expect(tensor.shape, name).toEqual(expected.info(name).shape);
    expectClose(name, await tensor.read(), await expected.readFloat32(name), TOLERANCE);
    tensor.free();
  }

  async function expectNumber(name: string, tensor: Tensor, value: number): Promise<void> {
    expectClose(name, [await tensor.item()], [value], TOLERANCE);
    tensor.free();
  }

  it.each(tags)("gives %s's logits and loss", async (tag) => {
    await withModel(tag, async (params, bind) => {
      await expectTensor(
        `${tag}/logits`,
        evaluate((p) => forward(bind(p), tokens), params),
      );
      const loss = evaluate((p) => trainingLoss(bind(p), tokens, goal, { totalTokens }).crossEntropy, params);
      await expectNumber(`${tag}/loss`, loss, fixture.number(`${tag}/loss`));
    });
  });

  it.each(withGradients)("gives %s's gradient for every parameter", async (tag) => {
    await withModel(tag, async (params, bind) => {
      const auxiliaryWeight = tag === "standard_aux" ? 0.1 : 0;
      const { value, grads } = valueAndGrad(
        (p) => trainingLoss(bind(p), tokens, goal, { totalTokens, auxiliaryWeight }).total,
        params,
      );
      const auxiliary = auxiliaryWeight ? fixture.number(`${tag}/aux`) : 0;
      await expectNumber(`${tag}: total`, value, fixture.number(`${tag}/loss`) + auxiliary);
      for (const [name, grad] of Object.entries(grads)) await expectTensor(`${tag}/grad/${name}`, grad);
    });
  });

  it("adds up the gradients of two micro-batches to those of the batch", async () => {
    const rows = (ids: Int32Array, begin: number, end: number) => ids.slice(begin * T, end * T);
    await withModel("standard", async (params, bind) => {
      let grads: Parameters | undefined;
      for (const [begin, end] of [
        [0, 1],
        [1, B],
      ]) {
        const part = uploadTokens(backend, fixture.config, {
          inputs: rows(inputs, begin, end),
          B: end - begin,
          T,
        });
        const aim = uploadTargets(backend, fixture.config, rows(targets, begin, end), T);
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
      for (const [name, grad] of Object.entries(grads ?? {}))
        await expectTensor(`standard/grad/${name}`, grad);
    });
  });

  it("measures the stds at every norm, by token and by position class", async () => {
    await withModel("standard", async (params, bind) => {
      const checks: Promise<void>[] = [];
      const seen: NormModule[] = [];
      const observe = (module: NormModule, x: Tensor) => {
        seen.push(module);
        const { std } = backend.run("rowStd", { x }, { eps: fixture.config.eps });
        checks.push(expectTensor(`standard/std/${module}`, std));
        const { mean, count } = measureStd(x, tokens.classes, fixture.config.eps);
        const { std: rest, std0: first } = facts.measured[module];
        checks.push(
          mean.read().then((means) => {
            expectClose(`${module}, measured`, [means[0], means[2]], [first, rest], TOLERANCE);
            mean.free();
            count.free();
          }),
        );
      };
      evaluate((p) => residual(bind(p), tokens, { observe }), params).free();
      await Promise.all(checks);
      expect(seen).toEqual(normModules(fixture.config));
    });
  });

  it("makes the same three AdamW updates", async () => {
    const { lr, betas, eps, weight_decay, clip, losses, grad_norms } = facts.adamw;
    await withModel("standard", async (params, bind) => {
      const settings = { beta1: betas[0], beta2: betas[1], eps, weightDecay: weight_decay };
      const optimizer = new AdamW(backend, params, settings);
      let grads: Parameters | undefined;
      for (const [step, loss] of losses.entries()) {
        if (grads) zeroGradients(grads);
        const run = valueAndGrad(
          (p) => trainingLoss(bind(p), tokens, goal, { totalTokens }).total,
          params,
          grads,
        );
        grads = run.grads;
        const normSquared = optimizer.update(grads, { learningRate: lr, maxNorm: clip });
        await expectNumber(`loss of step ${step}`, run.value, loss);
        await expectNumber(`gradient norm of step ${step}, squared`, normSquared, grad_norms[step] ** 2);
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
      if (grads) freeParams(grads);
    });
  });
}
