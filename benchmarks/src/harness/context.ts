/** What every suite gets: how much to measure, against whom, and where to put it. */
import type { EngineEntry } from "./engines.js";
import type { Rounds } from "./measure.js";
import type { OpPeer } from "../peers/op-peer.js";
import type { ProductPeer } from "../peers/peer.js";
import type { PeerName, Row } from "../results/results.js";
import type { ModelFolders } from "../steps/models.js";

export interface Context {
  /** Ours, those that start here. */
  readonly engines: readonly EngineEntry[];
  /** Threads of our engines and of the peers that have a choice. */
  readonly threads: number;
  /** Only what shows that everything works. */
  readonly quick: boolean;
  /** Peers that were asked for and are here, for products. */
  readonly productPeers: readonly ProductPeer[];
  /** The same for ops one by one. */
  readonly opPeers: readonly OpPeer[];
  readonly models: ModelFolders;
  /** Whether a case was asked for, by any of its names. */
  wants(...names: readonly string[]): boolean;
  /** For people, while it runs. */
  say(text: string): void;
  record(row: Row): void;
}

export const hasPeer = ({ productPeers }: Context, name: PeerName): boolean =>
  productPeers.some((peer) => peer.name === name);

/** Kernels take milliseconds. */
export const kernelRounds = ({ quick }: Context): Rounds =>
  quick ? { rounds: 2, warmup: 1 } : { rounds: 9, warmup: 3 };

/** From this many operations on, a product is no longer one of milliseconds. */
const MANY_FLOPS = 2e10;

export const productRounds = (context: Context, flops: number): Rounds =>
  flops < MANY_FLOPS ? kernelRounds(context) : longRounds(context);

/** For what takes a good part of a second and more. */
export const longRounds = ({ quick }: Context): Rounds =>
  quick ? { rounds: 1, warmup: 0 } : { rounds: 5, warmup: 1 };
