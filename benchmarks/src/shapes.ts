/** Matrix products of real models, by name: x (rows,K) · w (K,M). small is GPT-2 small at 1×1024, base ships with us. */
export interface ProductShape {
  readonly rows: number;
  readonly K: number;
  readonly M: number;
}

export const productShapes = {
  mlp_in: { rows: 1024, K: 768, M: 3072 },
  mlp_out: { rows: 1024, K: 3072, M: 768 },
  qkv: { rows: 1024, K: 768, M: 2304 },
  base_mlp_in: { rows: 2048, K: 128, M: 512 },
  base_lm_head: { rows: 2048, K: 128, M: 4096 },
} as const satisfies Record<string, ProductShape>;

export type ProductName = keyof typeof productShapes;
