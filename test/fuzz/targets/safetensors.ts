/** A model's weights, and the index of a model in several files. */
import {
  fromBlob,
  fromBytes,
  isDtype,
  openStore,
  readHeader,
  readIndex,
  SafetensorsError,
  type Store,
  type TensorEntry,
  toBytes,
} from "@normless/safetensors";
import type { Target } from "../target.js";

const text = (value: string) => new TextEncoder().encode(value);
/** The length of the header, and the header. */
const raw = (header: string, data = 0) => {
  const json = text(header);
  const bytes = new Uint8Array(8 + json.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
};

const entries: readonly TensorEntry[] = [
  { name: "ln_f.weight", dtype: "F32", shape: [2, 2], data: Float32Array.of(1, -2, 0.5, 3) },
  { name: "half", dtype: "F16", shape: [3], data: Float32Array.of(1, 0.5, -2) },
  { name: "brain", dtype: "BF16", shape: [1], data: Float32Array.of(1) },
  { name: "wide", dtype: "F64", shape: [1], data: Float64Array.of(Math.PI) },
  { name: "ids", dtype: "I64", shape: [2], data: BigInt64Array.of(-1n, 7n) },
  { name: "bytes", dtype: "U8", shape: [0], data: new Uint8Array() },
  { name: "flag", dtype: "BOOL", shape: [], data: Uint8Array.of(1) },
];

const NAME = "model.safetensors";
const shards = Promise.all(
  entries
    .slice(0, 2)
    .map(async (entry, i) => fromBytes(await toBytes([entry]), `model.safetensors/${i + 1}.safetensors`)),
);

/** Reads a tensor in every way that there is; what cannot be read is refused in each. */
async function readAll(store: Store, name: string): Promise<void> {
  const { dtype } = store.info(name);
  const [values, floats] = await Promise.allSettled([store.readTensor(name), store.readFloat32(name)]);
  const isFloat = /^(F64|F32|F16|BF16)$/.test(dtype);
  if ((values.status === "fulfilled") !== isDtype(dtype) || (floats.status === "fulfilled") !== isFloat) {
    throw new Error(`a tensor of ${dtype} is read as if it were of another dtype`);
  }
  for (const one of [values, floats]) {
    if (one.status === "rejected" && !(one.reason instanceof SafetensorsError)) throw one.reason;
  }
  if (floats.status === "rejected") return;
  await store.readFloat32Into(floats.value, name);
  await store.readFloat32Into(new Float32Array(floats.value.length + 1), name).then(
    () => {
      throw new Error("an array of another length was filled");
    },
    () => undefined,
  );
}

/** The tensors whose dtypes are written, as they would be written. */
async function entriesOf(store: Store): Promise<TensorEntry[]> {
  const all: TensorEntry[] = [];
  for (const name of store.names()) {
    const { dtype, shape } = store.info(name);
    if (isDtype(dtype)) all.push({ name, dtype, shape, data: await store.readTensor(name) });
  }
  return all;
}

export const target: Target = {
  seeds: async () => [
    await toBytes(entries, { metadata: { format: "pt" } }),
    await toBytes(entries.slice(0, 1)),
    raw('{"__metadata__":null,"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}', 2),
    raw(' {"a":{"dtype":"XX","shape":[2],"data_offsets":[0,5],"more":{"deep":[1e3,"\\u0041"]}}}', 5),
    raw(
      '{"a":{"dtype":"F4","shape":[4],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
      2,
    ),
    raw('{"a":{"dtype":"U8","shape":[1,"2"],"data_offsets":[0,-1]}}', 1),
    raw('{"a":[],"a":{}}'),
    raw('{"a":{"dtype":"F32","shape":[9007199254740991,4],"data_offsets":[0,8]}}', 8),
    raw('{"\\ud800":1e999}'),
    raw('{"a":1e999}'),
    raw(`{"a":${"[".repeat(200)}${"]".repeat(200)}}`),
    raw('{"__metadata__":{"step":"3","n":4}}'),
    raw('{"__metadata__":[]}'),
    raw('{"a":{"shape":[]}}'),
    raw('{"a":{"dtype":[],"shape":[],"data_offsets":[0,0]}}'),
    raw('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}', 3),
    raw('{"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}', 3),
    raw("[]"),
    raw("{\xff}"),
    text("version https://git-lfs.github.com/spec/v1\n"),
    text("PK\x03\x04\0\0\x08\x08\0\0\0\0"),
    text('{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"../b"}}'),
    text('{"metadata":{"total_size":8},"weight_map":{"ln_f.weight":"1.safetensors","half":"2.safetensors"}}'),
    text('{"weight_map":{"ln_f.weight":"2.safetensors","half":"2.safetensors"}}'),
    text('{"weight_map":{"ln_f.weight":"1.safetensors"}}'),
    text('{"weight_map":{"ln_f.weight":"1.safetensors","half":"2.safetensors","a":"2.safetensors"}}'),
    text('{"weight_map":{"ln_f.weight":"3.safetensors"}}'),
    text('{"weight_map":[]}'),
  ],
  async read(bytes) {
    if (bytes[0] === 0x7b) {
      const index = readIndex(new TextDecoder().decode(bytes), "model.safetensors.index.json");
      return openStore(await shards, { index });
    }
    const source = bytes.length % 2 === 0 ? fromBytes(bytes, NAME) : fromBlob(new Blob([bytes]), NAME);
    const store = await openStore([source]);
    const header = await readHeader(source);
    for (const name of store.names()) await readAll(store, name);
    const again = await toBytes(await entriesOf(store), { metadata: header.metadata });
    const written = await openStore([fromBytes(again, NAME)]);
    for (const name of written.names()) {
      const [a, b] = [await store.readTensor(name), await written.readTensor(name)];
      if (!Buffer.from(a.buffer).equals(Buffer.from(b.buffer)))
        throw new Error(`${name} is written as something else`);
    }
    const absent = store.names().join("").slice(0, 20) + "\u001b[31m";
    if (!store.has(absent)) await store.readFloat32(absent);
    return store;
  },
  errors: [SafetensorsError],
  names: /model\.safetensors|^the index /,
  reader: ["header", "json", "read", "store", "source", "dtypes", "errors"].map(
    (file) => `packages/safetensors/src/${file}.ts`,
  ),
};
