/** What a norm site makes of the residual that it reads. */
import {
  add,
  constantBeside,
  div,
  embedding,
  mean,
  mul,
  rowStd,
  sub,
  unsqueeze,
  type Variable,
} from "@normless/autograd";
import { applyNorm, type Norm } from "@normless/layernorm";
import { stdByClass } from "@normless/tensor";
import type { Tokens } from "./batch.js";
import { hookedSite, type NormHooks } from "./hook-names.js";
import type { HookPoints } from "./hooks.js";
import type { BoundModel } from "./pass.js";
import { moduleOf, type NormSite } from "./sites.js";

/** What a site reads, (B,T,C): x through its norm, with the parameters of its module. */
export function normAt(
  { params, norms }: Pick<BoundModel, "params" | "norms">,
  site: NormSite,
  x: Variable,
  { classes }: Pick<Tokens, "classes">,
): Variable {
  const module = moduleOf(site);
  const parameter = (name: string): Variable | undefined => params[`${module}.${name}`];
  return applyNorm(norms[site], x, {
    gamma: parameter("weight"),
    beta: parameter("bias"),
    classes,
    parameter,
  });
}

/** The same in steps, where the place's hooks are wanted and are this site's. */
export function hookedNormAt(
  model: Pick<BoundModel, "params" | "norms">,
  site: NormSite,
  x: Variable,
  tokens: Pick<Tokens, "classes">,
  { points, place }: { readonly points: HookPoints; readonly place: NormHooks },
): Variable {
  const wanted = points.wants(`${place}.hook_scale`, `${place}.hook_normalized`);
  if (!wanted || hookedSite(place, model.norms) !== site) return normAt(model, site, x, tokens);
  const module = moduleOf(site);
  const { tape } = x;
  const normalized = () =>
    tape.scope(() => {
      const scale = points.at(`${place}.hook_scale`, scaleOf(model.norms[site], x, tokens));
      return div(sub(x, mean(x, -1, { keepdim: true })), scale);
    });
  return tape.scope(() =>
    add(
      mul(points.at(`${place}.hook_normalized`, normalized()), model.params[`${module}.weight`]),
      model.params[`${module}.bias`],
    ),
  );
}

/** What a norm divides each token by, (B,T,1). */
function scaleOf(norm: Norm, x: Variable, { classes }: Pick<Tokens, "classes">): Variable {
  if (norm.kind === "standard") return unsqueeze(rowStd(x, norm.eps), -1);
  // checkHookName has let only these two come here.
  if (norm.kind !== "frozen") throw new Error(`a ${norm.kind} norm divides by no one number`);
  const stds = x.tape.backend.upload(Float32Array.from(stdByClass(norm.std)), [3, 1]);
  return embedding(constantBeside(x, stds) as Variable, classes);
}
