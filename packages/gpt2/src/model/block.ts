/** One block of GPT-2: attention and MLP, each reading the residual through a norm and adding to it. */
import {
  add,
  attention,
  constantBeside,
  arange,
  gelu,
  le,
  linear,
  linearGelu,
  matmul,
  permute,
  reshape,
  scale,
  softmax,
  sum,
  unsqueeze,
  type Variable,
  where,
} from "@normless/autograd";
import { sameNorm } from "@normless/layernorm";
import type { Tokens } from "./batch.js";
import { queryScale } from "./config.js";
import type { BlockHook, HookName, NormHooks } from "./hook-names.js";
import type { HookPoints } from "./hooks.js";
import { hookedNormAt } from "./norm-at.js";
import type { Attend, BoundModel } from "./pass.js";
import type { NormSite } from "./sites.js";

/** What a block has beside its model and its input. */
export interface BlockOptions {
  readonly tokens: Tokens;
  readonly points: HookPoints;
  readonly attend?: Attend | undefined;
}

/** A block being computed: its parameters, norms and hooks by their names within it. */
class Block {
  constructor(
    readonly model: BoundModel,
    readonly layer: number,
    readonly options: BlockOptions,
  ) {}

  name(hook: BlockHook): HookName {
    return `blocks.${this.layer}.${hook}`;
  }
  wants(...hooks: readonly BlockHook[]): boolean {
    return this.options.points.wants(...hooks.map((hook) => this.name(hook)));
  }
  at(hook: BlockHook, x: Variable): Variable {
    return this.options.points.at(this.name(hook), x);
  }
  /** The hook of a tensor (B,T,C) that has its heads side by side: it sees (B,T,H,D). */
  atHeads(hook: BlockHook, x: Variable): Variable {
    if (!this.wants(hook)) return x;
    const [B, T, C] = x.shape;
    const { heads } = this.model.config;
    return reshape(this.at(hook, reshape(x, [B, T, heads, C / heads])), x.shape);
  }
  parameter(name: string): Variable {
    return this.model.params[`h.${this.layer}.${name}`];
  }
  norm(site: "ln_1:qk" | "ln_1:v" | "ln_2", x: Variable): Variable {
    const { tokens, points } = this.options;
    const place: NormHooks = `blocks.${this.layer}.${site === "ln_2" ? "ln2" : "ln1"}`;
    return hookedNormAt(this.model, `h.${this.layer}.${site}` as NormSite, x, tokens, { points, place });
  }
}

/** The residual after block `layer`, (B,T,C), from that before it. */
export function block(model: BoundModel, layer: number, x: Variable, options: BlockOptions): Variable {
  const self = new Block(model, layer, options);
  const middle = self.at("hook_resid_mid", add(x, self.at("hook_attn_out", attentionPart(self, x))));
  return add(middle, self.at("hook_mlp_out", mlpPart(self, middle)));
}

/** What attention writes into the residual x, (B,T,C). */
function attentionPart(self: Block, x: Variable): Variable {
  const { config, norms } = self.model;
  const { channels: C, heads } = config;
  const [weight, bias] = [self.parameter("attn.c_attn.weight"), self.parameter("attn.c_attn.bias")];
  /** Query 0, key 1 or value 2 out of c_attn's 3C columns. */
  const project = (part: number, input: Variable) =>
    linear(input, weight, bias, { columns: { begin: part * C, end: (part + 1) * C, of: 3 * C } });

  const qk = self.norm("ln_1:qk", x);
  const shared = sameNorm(norms[`h.${self.layer}.ln_1:qk`], norms[`h.${self.layer}.ln_1:v`]);
  const v = shared ? qk : self.norm("ln_1:v", x);
  const factor = queryScale(config, self.layer);
  const q = self.atHeads("attn.hook_q", project(0, qk));
  const query = factor === 1 ? q : scale(q, factor);
  const key = self.atHeads("attn.hook_k", project(1, qk));
  const value = self.atHeads("attn.hook_v", project(2, v));
  const z = self.atHeads("attn.hook_z", attended());
  return self.wants("attn.hook_result")
    ? headByHead(self, z)
    : linear(z, self.parameter("attn.c_proj.weight"), self.parameter("attn.c_proj.bias"));

  function attended(): Variable {
    const { attend } = self.options;
    const inSteps = self.wants("attn.hook_attn_scores", "attn.hook_pattern");
    if (inSteps && attend) {
      throw new Error(
        `${self.name("attn.hook_pattern")}: this pass attends to a cache, in one piece, where scores and pattern are not to be ` +
          "had; run without it",
      );
    }
    if (inSteps) return attentionInSteps(self, query, key, value);
    return attend ? attend(self.layer, query, key, value) : attention(query, key, value, { heads });
  }
}

/** Attention with its scores and its pattern, (B,H,T,T), apart; each goes as soon as it is used, unless a hook keeps it. */
function attentionInSteps(self: Block, q: Variable, k: Variable, v: Variable): Variable {
  const [B, T, C] = q.shape;
  const { heads } = self.model.config;
  const D = C / heads;
  const { tape } = q;
  const split = (x: Variable) => permute(reshape(x, [B, T, heads, D]), [0, 2, 1, 3]);
  const scores = () =>
    tape.scope(() => {
      const positions = constantBeside(q, arange(tape.backend, T));
      const causal = le(positions, unsqueeze(positions, 1));
      const product = matmul(split(scale(q, 1 / Math.sqrt(D))), split(k), { transposeB: true });
      return where(causal, product, -Infinity);
    });
  const pattern = () => tape.scope(() => softmax(self.at("attn.hook_attn_scores", scores())));
  return tape.scope(() => {
    const z = matmul(self.at("attn.hook_pattern", pattern()), split(v));
    return reshape(permute(z, [0, 2, 1, 3]), q.shape);
  });
}

/** c_proj as a sum over heads, from z (B,T,C). */
function headByHead(self: Block, z: Variable): Variable {
  const [B, T, C] = z.shape;
  const { heads } = self.model.config;
  const D = C / heads;
  const weight = reshape(self.parameter("attn.c_proj.weight"), [heads, D, C]);
  const results = () =>
    z.tape.scope(() => {
      const written = matmul(permute(reshape(z, [B * T, heads, D]), [1, 0, 2]), weight);
      return reshape(permute(written, [1, 0, 2]), [B, T, heads, C]);
    });
  const total = z.tape.scope(() => sum(self.at("attn.hook_result", results()), 2));
  return add(total, self.parameter("attn.c_proj.bias"));
}

/** What the MLP writes into the residual x, (B,T,C). */
function mlpPart(self: Block, x: Variable): Variable {
  const { gelu: form } = self.model.config;
  const input = self.norm("ln_2", x);
  const [weight, bias] = [self.parameter("mlp.c_fc.weight"), self.parameter("mlp.c_fc.bias")];
  const hidden = self.wants("mlp.hook_pre")
    ? gelu(self.at("mlp.hook_pre", linear(input, weight, bias)), form)
    : linearGelu(input, weight, bias, form);
  return linear(
    self.at("mlp.hook_post", hidden),
    self.parameter("mlp.c_proj.weight"),
    self.parameter("mlp.c_proj.bias"),
  );
}
