/** What any training tells the world, update by update. */

/** An update that was done. */
export interface TrainingStep {
  readonly type: "step";
  /** Updates done in this training, this one included. */
  readonly step: number;
  /** Mean loss of this update's batch, in nats a token, before the update. */
  readonly loss: number;
  /** What the auxiliary loss added to it, λ included; absent where it was left out. */
  readonly auxiliary?: number;
  /** Global norm of the gradient before clipping. */
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Since this process started the training. */
  readonly tokensPerSecond: number;
  readonly seconds: number;
}
/** How far long work is. */
export interface ProgressEvent {
  readonly type: "progress";
  readonly what: string;
  readonly done: number;
  readonly total: number;
}
