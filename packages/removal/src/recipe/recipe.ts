/** A removal's recipe: everything that decides the bits of a run, as plain data. Any field can be overridden. */
import type { TrainingRecipe } from "@normless/train";

/**
 * What a removal trains on:
 * - cross-entropy: the text's next tokens, beside a control that keeps its LayerNorms and is trained in the same way
 * - distillation: the original's own prediction of them, so that the loss is KL(original ‖ model). There is no control:
 *   trained in the same way, a model that keeps its LayerNorms is the original to the bit, since its gradient is exactly 0
 *   (weight decay alone would move it)
 */
export const removalLosses = ["cross-entropy", "distillation"] as const;
/** One of removalLosses. */
export type RemovalLoss = (typeof removalLosses)[number];

/** A removal's training, what its constants are and its pace. */
export interface RemovalRecipe extends TrainingRecipe {
  readonly name: string;
  /** Where it comes from, and where it is not what was published. */
  readonly source: string;
  readonly loss: RemovalLoss;
  /** Whether a tied head is trained apart from the embedding, as which it stands once ln_f is folded into it. */
  readonly untieHead: boolean;
  /** λ of the auxiliary loss on the final residual's stds. */
  readonly auxiliaryWeight: number;
  /** Whether a control has the auxiliary loss, too, so that nothing but the removal tells the two apart. Published ones have not. */
  readonly controlAuxiliary: boolean;
  readonly constants: ConstantsRecipe;
  readonly pace: Pace;
  /** Which norms go, by name or pattern (sites.ts); the others stay LayerNorms. By default all that are there. */
  readonly sites?: readonly string[] | undefined;
  /** A look at a few rows of the validation set every so many updates, and at both ends; 0 for none. */
  readonly evaluateEvery: number;
  /** The model that it was published or tuned for. */
  readonly madeFor?: { readonly model: string; readonly layers: number } | undefined;
  /** That it does badly on a model whose first position is a sink (first-position.ts), as was measured, where it does. */
  readonly failsOnSink?: FailsOnSink | undefined;
}

/** That a recipe does badly on a model whose first position is a sink. */
export interface FailsOnSink {
  /** The figure, and what it was measured on. */
  readonly how: string;
  /** The recipe to take there, by its name. */
  readonly instead: string;
}

/** Updates of the control that a run trains besides the removal. */
export function controlSteps({ loss, steps }: Pick<RemovalRecipe, "loss" | "steps">): number {
  return loss === "distillation" ? 0 : steps;
}

/** What a frozen norm divides by. A taper calibrates its own. */
export interface ConstantsRecipe {
  /** Where the stds are measured. */
  readonly from:
    | {
        readonly kind: "training";
        /** Of the moving mean over micro-batches: the weight of the old value. A norm takes it as it is when it goes. */
        readonly keep: number;
      }
    | {
        /** The original model, before the first update, on so many sequences of the training text. */
        readonly kind: "original";
        readonly sequences: number;
      };
  /** Which tokens have constants of their own until those are dropped. */
  readonly special: SpecialConstants;
  /** The query/key constant of a block goes on following the mean until its value path is frozen, at the same one. */
  readonly shareQkv: boolean;
}

/**
 * - none: one constant for all tokens from the start
 * - first-and-eot: the first position and end-of-text each their own
 * - first-and-eot-on-value: the first position its own; end-of-text the first position's, on the value path alone
 * - released-2024: what the code released in 2024 did, which took channel 0 for position 0: channel 0 has the first
 *   position's constant at every position, in ln_2 and ln_f for good; end-of-text as before
 */
export const specialConstants = ["none", "first-and-eot", "first-and-eot-on-value", "released-2024"] as const;
/** One of specialConstants. */
export type SpecialConstants = (typeof specialConstants)[number];

/** When the norms go. */
export type Pace = FixedPace | TaperPace;

/**
 * One norm after the other at fixed steps, in the published order: all ln_2, all ln_1 query/key, all ln_1 value, each
 * from layer 0 upwards, then ln_f, then the special constants. A kind starts one gap after the last layer of the one
 * before, so that a pace fits any number of layers. A norm that stays takes no time: the next one goes in its place.
 */
export interface FixedPace {
  readonly kind: "fixed";
  /** Updates before the first norm goes. */
  readonly start: number;
  /** Updates between two layers; 0 takes all layers at once. */
  readonly gaps: { readonly ln_2: number; readonly "ln_1:qk": number; readonly "ln_1:v": number };
  /** Updates after ln_f until the end-of-text constants become those of ordinary tokens. Not used without such. */
  readonly eotAfter: number;
  /** The same for the first position. From then on every frozen norm has one constant, and can be folded. */
  readonly firstAfter: number;
  /**
   * Where the gaps of a run that had begun were changed, in that order (change-recipe.ts): what is due after step `from` is
   * due `factor` times as long after it. Most recipes have none.
   */
  readonly stretches?: readonly { readonly from: number; readonly factor: number }[] | undefined;
}

/** All norms together, by one gate from LayerNorm to constant. */
export interface TaperPace {
  readonly kind: "taper";
  /** Updates until the constants are calibrated and the gate begins to fall. */
  readonly begin: number;
  /** Updates until it is 0. */
  readonly end: number;
  /** Of the bias-corrected moving means of the calibration, once an update: the weight of the old value. */
  readonly keep: number;
}
