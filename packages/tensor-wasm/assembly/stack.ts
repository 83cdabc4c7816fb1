/** Products of stacks of small matrices: a unit does some whole ones, each as gemm.ts would, with panels of its own. */
import { int, pointer } from "./control";
import { addOne, dot } from "./few-rows";
import { block, blockLength, packA, packColumns, packRows, packTransposed } from "./gemm";

/** Rows of A that are packed at once. */
const ROWS: i32 = 96;
/** Rows of A up to which B is not worth packing. */
const FEW: i32 = 4;

/**
 * y (G,m,n) (+)= a (G,m,k) · b (G,k,n).
 * ints: a, from one matrix to the next (bytes; 0 where there is one), 1 when it is transposed, b, the same two for it, y,
 * m, n, k, add, G, matrices of a unit, scratch memory, its bytes a thread: packed B (k rounded up to whole blocks), then A.
 */
export function stack(unit: i32, thread: i32): void {
  const m = int(7), n = int(8), k = int(9), G = int(11);
  const end = min((unit + 1) * int(12), G);
  for (let g = unit * int(12); g < end; g++) {
    const a = pointer(0) + <usize>g * <usize>pointer(1), b = pointer(3) + <usize>g * <usize>pointer(4);
    const c = pointer(6) + ((<usize>g * <usize>m * <usize>n) << 2);
    if (n == 1 && !int(2)) vector(m, k, a, b, c);
    else if (m <= FEW && !int(2)) few(m, n, k, a, b, c);
    else matrix(m, n, k, a, b, c, pointer(13) + <usize>thread * <usize>pointer(14), thread);
  }
}

function matrix(m: i32, n: i32, k: i32, a: usize, b: usize, c: usize, packed: usize, thread: i32): void {
  const length = blockLength(k), ldc = <usize>n << 2;
  const panels = packed + ((<usize>length * <usize>((n + 7) & ~7)) << 2);
  const lda = <usize>(int(2) ? m : k) << 2;
  let from = 0;
  do {
    const kc = min(length, k - from);
    if (int(5)) packColumns(kc, n, b + (<usize>from << 2), <usize>k << 2, packed);
    else packRows(kc, n, b + <usize>from * ldc, ldc, packed);
    for (let i = 0; i < m; i += ROWS) {
      const rows = min(ROWS, m - i);
      if (int(2)) packTransposed(rows, kc, a + <usize>from * lda + (<usize>i << 2), lda, panels);
      else packA(rows, kc, a + <usize>i * lda + (<usize>from << 2), lda, panels);
      block(rows, n, kc, panels, packed, c + <usize>i * ldc, ldc, int(10) != 0 || from > 0, 0, thread);
    }
    from += length;
  } while (from < k);
}

/** A column of y from one of b. */
function vector(m: i32, k: i32, a: usize, b: usize, c: usize): void {
  const add = int(10) != 0;
  for (const end = c + (<usize>m << 2); c < end; c += 4) {
    const value = dot(a, b, k);
    store<f32>(c, add ? load<f32>(c) + value : value);
    a += <usize>k << 2;
  }
}

function few(m: i32, n: i32, k: i32, a: usize, b: usize, c: usize): void {
  const add = int(10) != 0, lda = <usize>k << 2, ldc = <usize>n << 2;
  if (int(5)) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const value = dot(a + <usize>i * lda, b + <usize>j * lda, k);
        const to = c + <usize>i * ldc + (<usize>j << 2);
        store<f32>(to, add ? load<f32>(to) + value : value);
      }
    }
    return;
  }
  if (!add) memory.fill(c, 0, <usize>m * ldc);
  for (let l = 0; l < k; l++) {
    for (let i = 0; i < m; i++) addOne(load<f32>(a + <usize>i * lda + (<usize>l << 2)), b + <usize>l * ldc, c + <usize>i * ldc, n);
  }
}
