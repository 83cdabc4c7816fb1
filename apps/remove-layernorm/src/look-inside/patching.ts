/** What `patch` tells: what each patch brings back of the clean prompt, really and to first order. */
import type { Model } from "@normless/gpt2";
import {
  activationPatching,
  attributionPatching,
  logitDifference,
  normalisedPatches,
  patchingError,
  type PatchOptions,
} from "@normless/interpret";
import type { PromptPairIds } from "./prompt-file.js";

/** What is patched, as it is asked for. */
const KINDS = {
  residual: { at: "hook_resid_pre", by: ["position"] },
  attention: { at: "hook_attn_out", by: ["position"] },
  mlp: { at: "hook_mlp_out", by: ["position"] },
  heads: { at: "attn.hook_z", by: ["head"] },
  "heads-by-position": { at: "attn.hook_z", by: ["head", "position"] },
} as const satisfies Record<string, PatchOptions>;
export type PatchKind = keyof typeof KINDS;
export const patchKinds = Object.keys(KINDS) as PatchKind[];

/** Patches of one kind, each figure in the order of `shape`, row by row. */
export interface PatchedKind {
  readonly kind: PatchKind;
  /** The tensor of each block, by TransformerLens's name. */
  readonly at: string;
  readonly axes: readonly string[];
  readonly shape: readonly number[];
  /** The difference with the patch. */
  readonly values: readonly number[];
  /** 0 is the corrupted prompt, 1 the clean one. */
  readonly normalised: readonly number[];
  /** The same to first order, by attribution patching. */
  readonly attributed: readonly number[];
  /** Σ |attributed − patched| / Σ |patched − corrupted|. */
  readonly error: number;
  readonly linearises: readonly string[];
}

export interface PatchData {
  readonly model: string;
  /** One pair of prompts, or a file of them. */
  readonly prompts:
    | { readonly clean: string; readonly corrupted: string }
    | { readonly file: string; readonly count: number };
  /** In quotes; of a file, whose pairs have answers of their own, there is none. */
  readonly answerText?: string;
  readonly wrongText?: string;
  /** Where the difference is read. */
  readonly position: number;
  /** What stands at each position, in quotes; of several prompts the first one's, with … where others have another. */
  readonly tokens: readonly { readonly clean: string; readonly corrupted: string }[];
  /** The differences of the prompts as they are. */
  readonly clean: number;
  readonly corrupted: number;
  readonly kinds: readonly PatchedKind[];
}

/** The differences of both prompts, and of all patches of the kinds. @throws RangeError for prompts that come to the same */
export async function patchedKinds(
  model: Model,
  rows: readonly PromptPairIds[],
  kinds: readonly PatchKind[],
  position: number,
): Promise<Pick<PatchData, "clean" | "corrupted" | "kinds">> {
  const pair = { clean: rows.map(({ clean }) => clean), corrupted: rows.map(({ corrupted }) => corrupted) };
  const [answers, wrongs] = [rows.map(({ answer }) => answer), rows.map(({ wrong }) => wrong)];
  const metric = logitDifference(answers, wrongs, { position });
  const found: PatchedKind[] = [];
  let [clean, corrupted] = [NaN, NaN];
  for (const kind of kinds) {
    const patched = await activationPatching(model, pair, metric, KINDS[kind]);
    const normalised = normalisedPatches(patched);
    const attributed = await attributionPatching(model, pair, metric, KINDS[kind]);
    ({ clean, corrupted } = patched);
    found.push({
      ...{ kind, at: patched.at, axes: patched.axes, shape: patched.shape, values: [...patched.values] },
      ...{
        normalised: [...normalised],
        attributed: [...normalisedPatches({ ...attributed, clean, corrupted })],
      },
      ...{ error: patchingError(attributed, patched), linearises: attributed.linearises },
    });
  }
  return { clean, corrupted, kinds: found };
}

/** What a kind is called, and what one of its patches is. */
export const kindNames: Readonly<Record<PatchKind, string>> = {
  residual: "residual before each block",
  attention: "output of attention",
  mlp: "output of the MLP",
  heads: "output of each head",
  "heads-by-position": "output of each head, by position",
};

/** Where the patch of an index stands: its layer, and head and position where it has any. */
export function patchPlace(
  { axes, shape }: Pick<PatchedKind, "axes" | "shape">,
  index: number,
): Partial<Record<string, number>> {
  let rest = index;
  const places = shape.map((_, d) => {
    const stride = shape.slice(d + 1).reduce((product, size) => product * size, 1);
    const at = Math.floor(rest / stride);
    rest %= stride;
    return at;
  });
  return Object.fromEntries(axes.map((axis, d) => [axis, places[d]]));
}

/** `h.3 head 2 at 7 " Mary"`, `h.0 at 4 " John"` */
export function patchName({ tokens }: Pick<PatchData, "tokens">, kind: PatchedKind, index: number): string {
  const { layer, head, position } = patchPlace(kind, index);
  const at = position === undefined ? "" : ` at ${position} ${tokens[position].clean}`;
  return `h.${layer}${head === undefined ? "" : ` head ${head}`}${at}`;
}
