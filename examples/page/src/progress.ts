/** What the worker tells the page, and the part of the plane that both speak of. */

/** The plane from `left` and `top`, 4 wide and 3 high; the field has `columns`×`rows` places, its edges included. */
export const plane = { left: -1.5, top: 1.75, width: 4, height: 3, columns: 81, rows: 61 } as const;

/** First: what computes, why it is not WebGPU where it is not, and the points to learn, x and y in turn. */
export interface Start {
  readonly engine: string;
  readonly fallback: string | undefined;
  readonly points: ArrayLike<number>;
  readonly labels: ArrayLike<number>;
}

/** Then, every few updates: the loss in nats, the share of unseen points told right, and the logits over the plane, by rows. */
export interface Progress {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly field: ArrayLike<number>;
}

/** One of the two, or what went wrong. */
export type Message = { start: Start } | { progress: Progress } | { failure: string };
