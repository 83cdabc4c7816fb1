"""safetensors (Python, its reader and writer are the reference implementation) beside @normless/safetensors.

Everything that one writes the other reads to the bit, and a dtype that normless does not read leaves the rest of the
file readable. What each refuses is in test_safetensors_refusals.py.
"""

import json
import random
import struct

import numpy as np
import torch
from huggingface_hub import save_torch_state_dict
from safetensors import safe_open
from safetensors_files import NAMES, NOT_READ, READ, by_hand, by_python, python_reads, read_all, some_tensors

# Writes the files that a JSON asks for.
WRITE_ALL = """
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toBytes } from "@normless/safetensors";
const folder = process.argv.at(-1);
const arrays = { F64: Float64Array, F32: Float32Array, I64: BigInt64Array, I32: Int32Array, I16: Int16Array,
  I8: Int8Array, U64: BigUint64Array, U32: Uint32Array, U16: Uint16Array, U8: Uint8Array, BOOL: Uint8Array,
  F16: Uint16Array, BF16: Uint16Array };
for (const { file, metadata, tensors } of JSON.parse(readFileSync(join(folder, "asked.json"), "utf8"))) {
  const entries = tensors.map(([name, dtype, shape, hex]) => {
    return { name, dtype, shape, data: new arrays[dtype](new Uint8Array(Buffer.from(hex, "hex")).buffer) };
  });
  writeFileSync(join(folder, file), await toBytes(entries, { metadata: Object.fromEntries(metadata) }));
}
"""



def test_what_python_writes_is_read_and_written_again_byte_for_byte(node, tmp_path):
    rng = random.Random(1)
    files = {}
    for i in range(200):
        tensors = some_tensors(rng, list(READ))
        # Of several keys the writer chooses the order anew each time.
        metadata = rng.choice([None, {}, {"format": "pt"}, {"naïve\n": '"猫"'}])
        if not tensors and metadata == {}:
            continue  # the writer's own bug: what it makes of these is no JSON, and its reader refuses it
        files[f"{i}.safetensors"] = (tensors, metadata, by_python(tensors, metadata))
    for file, (_, _, content) in files.items():
        (tmp_path / file).write_bytes(content)
    found = read_all(node, tmp_path)
    same = 0
    for file, (tensors, metadata, content) in files.items():
        assert found[file]["metadata"] == [list(pair) for pair in (metadata or {}).items()]
        read = {name: (dtype, shape, bytes.fromhex(data)) for name, dtype, shape, data in found[file]["tensors"]}
        assert read == {name: (dtype, shape, data) for name, dtype, shape, data in tensors}
        again = (tmp_path / f"{file}.again").read_bytes()
        # Ours always writes the metadata, be it empty; and JavaScript has keys like "10" first, which shows in the
        # header's order where tensors begin at the same byte.
        if metadata is not None and all(data or not name.isdigit() for name, *_, data in tensors):
            same += 1
            assert again == content
        assert python_reads(again) == read
    assert same > 50


def test_what_we_write_is_read(node, tmp_path):
    rng = random.Random(2)
    asked = []
    for i in range(200):
        metadata = [[key, "".join(rng.sample("aé猫𝄞\"\\\n", 4))] for key in rng.sample(NAMES[1:], rng.randrange(3))]
        tensors = [[name, dtype, shape, data.hex()] for name, dtype, shape, data in some_tensors(rng, list(READ))]
        asked.append({"file": f"{i}.safetensors", "metadata": metadata, "tensors": tensors})
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    node(WRITE_ALL, tmp_path)
    for ask in asked:
        path = tmp_path / ask["file"]
        read = python_reads(path.read_bytes())
        assert read == {name: (dtype, shape, bytes.fromhex(data)) for name, dtype, shape, data in ask["tensors"]}
        with safe_open(path, "numpy") as file:
            assert sorted(file.keys()) == sorted(read)
            assert (file.metadata() or {}) == dict(ask["metadata"])


def test_dtypes_that_are_not_read_leave_the_rest_readable(node, tmp_path):
    rng = random.Random(3)
    files = {}
    for i in range(200):
        dtypes = [*READ, *(dtype for dtype in NOT_READ if NOT_READ[dtype][0])]
        tensors = some_tensors(rng, dtypes)
        files[f"{i}.safetensors"] = (tensors, by_python(tensors, None))
    for dtype, (_, bits) in NOT_READ.items():
        header = {
            "b": {"dtype": dtype, "shape": [8], "data_offsets": [0, bits]},
            "a": {"dtype": "F32", "shape": [1], "data_offsets": [bits, bits + 4]},
        }
        one = struct.pack("<f", 1.5)
        tensors = [("b", dtype, [8], b"8" * bits), ("a", "F32", [1], one)]
        files[f"{dtype}.safetensors"] = (tensors, by_hand(json.dumps(header), b"8" * bits + one))
    for file, (_, content) in files.items():
        (tmp_path / file).write_bytes(content)
    found = read_all(node, tmp_path)
    for file, (tensors, content) in files.items():
        assert python_reads(content) == {name: (dtype, shape, data) for name, dtype, shape, data in tensors}
        read = {name: (dtype, shape, data) for name, dtype, shape, data in found[file]["tensors"]}
        assert sorted(read) == sorted(name for name, *_ in tensors)
        for name, dtype, shape, data in tensors:
            assert read[name][:2] == (dtype, shape)
            if dtype in READ:
                assert read[name][2] == data.hex()
            else:
                assert f'"{dtype}", which is not read here' in read[name][2]["error"]


def test_floats_are_widened_and_rounded_as_torch_does(node, tmp_path):
    rng = np.random.default_rng(4)
    patterns = torch.from_numpy(np.arange(65536, dtype=np.uint16).view(np.int16))
    singles = rng.integers(0, 2**32, 200_000, dtype=np.uint32).view(np.float32)
    # Values of every size that float16 can tell apart, and its halves.
    near = (rng.standard_normal(100_000) * 2.0 ** rng.integers(-30, 17, 100_000)).astype(np.float32)
    halves = patterns.view(torch.float16).float().numpy()
    middles = (halves[:-1] + halves[1:]) / 2
    floats = torch.from_numpy(np.concatenate([singles, near, middles[np.isfinite(middles)]]))
    doubles = torch.from_numpy(rng.integers(0, 2**64, 100_000, dtype=np.uint64).view(np.float64))
    sources = {"F16": patterns.view(torch.float16), "BF16": patterns.view(torch.bfloat16), "F64": doubles, "F32": floats}
    for name, tensor in sources.items():
        (tmp_path / name).write_bytes(tensor.contiguous().view(torch.uint8).numpy().tobytes())
    node(
        """
        import { readFileSync, writeFileSync } from "node:fs";
        import { join } from "node:path";
        import { fromBytes, readFloat32, readHeader, readTensor, toBytes } from "@normless/safetensors";
        const folder = process.argv.at(-1);
        const arrays = { F16: Uint16Array, BF16: Uint16Array, F64: Float64Array, F32: Float32Array };
        for (const dtype of Object.keys(arrays)) {
          const data = new arrays[dtype](new Uint8Array(readFileSync(join(folder, dtype))).buffer);
          const source = fromBytes(await toBytes([{ name: "a", dtype, shape: [data.length], data }]));
          writeFileSync(join(folder, dtype + ".wide"), await readFloat32(source, await readHeader(source), "a"));
          if (dtype !== "F32") continue;
          for (const narrow of ["F16", "BF16"]) {
            const file = fromBytes(await toBytes([{ name: "a", dtype: narrow, shape: [data.length], data }]));
            writeFileSync(join(folder, narrow + ".narrow"), await readTensor(file, await readHeader(file), "a"));
          }
        }
        """,
        tmp_path,
    )

    def equal(ours, theirs):
        """Bit for bit, and NaN where it is NaN: which of them is nobody's promise."""
        nan = torch.isnan(theirs)
        assert torch.equal(torch.isnan(ours), nan)
        whole = torch.int32 if theirs.dtype == torch.float32 else torch.int16
        assert torch.equal(ours.view(whole)[~nan], theirs.view(whole)[~nan])

    for name, tensor in sources.items():
        ours = torch.frombuffer(bytearray((tmp_path / f"{name}.wide").read_bytes()), dtype=torch.float32)
        equal(ours, tensor.to(torch.float32))
    for name, dtype in {"F16": torch.float16, "BF16": torch.bfloat16}.items():
        ours = torch.frombuffer(bytearray((tmp_path / f"{name}.narrow").read_bytes()), dtype=dtype)
        equal(ours, floats.to(dtype))


def test_shards_that_python_writes_are_read_by_their_index(node, tmp_path):
    torch.manual_seed(5)
    state = {f"h.{i}.weight": torch.randn(20 + i, 16).to(torch.bfloat16 if i % 2 else torch.float32) for i in range(12)}
    save_torch_state_dict(state, str(tmp_path), max_shard_size="4KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 3
    node(
        """
        import { readFileSync, writeFileSync } from "node:fs";
        import { join } from "node:path";
        import { openStore, readIndex } from "@normless/safetensors";
        import { openFile } from "@normless/safetensors/node";
        const folder = process.argv.at(-1);
        const index = readIndex(readFileSync(join(folder, "model.safetensors.index.json"), "utf8"));
        const files = [...new Set(index.values())];
        const store = await openStore(await Promise.all(files.map((file) => openFile(join(folder, file)))), { index });
        for (const name of store.names()) writeFileSync(join(folder, name), await store.readFloat32(name));
        writeFileSync(join(folder, "names.json"), JSON.stringify(store.names()));
        """,
        tmp_path,
    )
    assert sorted(json.loads((tmp_path / "names.json").read_text())) == sorted(state)
    for name, tensor in state.items():
        assert (tmp_path / name).read_bytes() == tensor.float().numpy().tobytes()


def test_shards_that_we_write_are_read_by_their_index(node, tmp_path):
    node(
        """
        import { writeModelFolder } from "@normless/gpt2/node";
        import { initWeights, presets, standardNorms } from "@normless/gpt2";
        import { join } from "node:path";
        const config = { ...presets.base, vocabSize: 100, eot: 99, layers: 2 };
        const model = { config, weights: initWeights(config, 1), norms: standardNorms(config) };
        await writeModelFolder(join(process.argv.at(-1), "one"), model);
        await writeModelFolder(join(process.argv.at(-1), "many"), { ...model, shardBytes: 300_000 });
        """,
        tmp_path,
    )
    index = json.loads((tmp_path / "many/model.safetensors.index.json").read_text())
    one = python_reads((tmp_path / "one/model.safetensors").read_bytes())
    many = {}
    for file in set(index["weight_map"].values()):
        content = python_reads((tmp_path / "many" / file).read_bytes())
        assert sorted(content) == sorted(name for name, home in index["weight_map"].items() if home == file)
        many.update(content)
    assert len(set(index["weight_map"].values())) > 2
    assert many == one
    assert index["metadata"]["total_size"] == sum(len(data) for *_, data in many.values())
