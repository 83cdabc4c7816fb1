/**
 * GPT-2 writes the 256 byte values as 256 printable characters, so that a vocabulary of bytes can live in a
 * JSON file: printable Latin-1 characters stand for themselves, the other 68 bytes for U+0100 and up, in order.
 * This file is that table in both directions, not the tokenizer.
 * Source: bytes_to_unicode in https://github.com/openai/gpt-2/blob/master/src/encoder.py
 */

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
}

/** The character that stands for each byte value: 256 entries. */
export const byteToCharacter: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
})();

const characterToByte = new Map(byteToCharacter.map((character, byte) => [character, byte]));

/** The bytes a token of vocab.json stands for; undefined when one of its characters stands for no byte. */
export function tokenBytes(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = characterToByte.get(token[i]);
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}
