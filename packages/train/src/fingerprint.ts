/** Which weights a run started from. */
import { readValues, type Weights } from "@normless/gpt2";

/**
 * A short hash of names, shapes and bits, FNV-1a on 32-bit words: tells models apart, not forgers. It reads one parameter
 * after the other.
 */
export async function fingerprint(weights: Weights): Promise<string> {
  let a = 0x811c9dc5;
  let b = 0x1234567;
  const mix = (word: number) => {
    a = Math.imul(a ^ word, 0x01000193);
    b = Math.imul(b ^ (word + a), 0x85ebca6b);
  };
  for (const [name, tensor] of Object.entries(weights).sort(([x], [y]) => (x < y ? -1 : 1))) {
    for (const char of name) mix(char.codePointAt(0) ?? 0);
    tensor.shape.forEach(mix);
    const data = await readValues(tensor);
    new Uint32Array(data.buffer, data.byteOffset, data.length).forEach(mix);
  }
  return [a, b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
