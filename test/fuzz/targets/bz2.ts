/** Texts packed by bzip2. */
import { dataTarget, tokensOf } from "../data-file.js";

/** What Python's bz2 makes of "the cat\n", of that thrice with all of ASCII after it, and of nothing. */
const [packed, longer, empty] = [
  "425a68393141592653595f3be786000003d180001040002a4004002000221a63508600b6103c5dc914e142417cef9e18",
  "425a68313141592653598ec21580000035df8000107fffffffffffffffffffffff2000743bf540d0c8d068c41a340340310000c8f51900" +
    "3400687683468c41a34c9841880c46268d1a3401a69a000003a00f7400fe003061050e20620b1634790349943cb2099851661b3674fa07" +
    "1e851a54ea55ac8a49d7b08a49d9b56ee5dbd7f061c58f265cd9d45441a5401375c35896581773b36eedfc38f2e7d18281868cf681dfc7" +
    "9f5efe7dfccff1772453850908ec215800",
  "425a683917724538509000000000",
].map((hex) => new Uint8Array(Buffer.from(hex, "hex")));

export const target = dataTarget({
  seeds: () =>
    Promise.resolve([
      packed,
      longer,
      empty,
      Uint8Array.of(...packed, ...longer),
      packed.subarray(0, -10),
      Uint8Array.of(...packed, 0),
      new TextEncoder().encode("BZh9"),
      new Uint8Array(),
    ]),
  read: (bytes) => tokensOf("a-file.txt.bz2", bytes),
  library: true,
  files: ["data/src/sources/unpack"],
});
