/** What a peer has to offer for its matrix product to be measured beside ours. */
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { PeerName } from "../results/results.js";
import type { ProductShape } from "../cases/shapes.js";

export interface ProductPeer {
  readonly name: PeerName;
  readonly threads: number;
  /** Name, version and what runs below. */
  readonly description: string;
  /** Why a shape is not asked of it, where that would take minutes; undefined for all others. */
  readonly refuses?: (shape: ProductShape) => string | undefined;
  /** Takes x (rows,K) and w (K,M) in. */
  prepare(shape: ProductShape, x: Float32Array, w: Float32Array): Promise<PreparedProduct>;
  end(): Promise<void>;
}

export interface PreparedProduct {
  /** x·w, with the result where a program in this peer would use it: the milliseconds it took. */
  readonly run: () => Promise<number>;
  /** Some rows of x·w, one after the other. */
  rows(picked: readonly number[]): Promise<ArrayLike<number>>;
  readonly free: () => Promise<void>;
}

/** The peers' own package, which is not part of the workspace. */
export const peersFolder = fileURLToPath(new URL("../peers/", import.meta.url));

const require = createRequire(`${peersFolder}package.json`);

/** A CommonJS package of a peer. */
export const requirePeer = (name: string): unknown => require(name);

/** An ES module of a peer. */
export const importPeer = (name: string): Promise<unknown> =>
  import(pathToFileURL(require.resolve(name)).href);

/** The version that is installed. */
export const versionOf = (name: string): string =>
  (require(`./node_modules/${name}/package.json`) as { version: string }).version;

/** Rows out of a whole result, row-major with M columns. */
export const pickRows = (y: Float32Array, M: number, picked: readonly number[]): number[] =>
  picked.flatMap((row) => [...y.subarray(row * M, (row + 1) * M)]);
