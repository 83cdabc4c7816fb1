"""safetensors (Python, its reader and writer are the reference implementation) beside @normless/safetensors.

Everything that one writes the other reads to the bit, a dtype that normless does not read leaves the rest of the file
readable, and what one refuses the other refuses. Where they differ, `difference` names it and says why.
"""

import json
import random
import struct

import numpy as np
import pytest
import torch
from huggingface_hub import save_torch_state_dict
from safetensors import TensorSpec, deserialize, safe_open, serialize

# The format's name of a dtype, Python's name of it, and bytes of an element.
READ = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "I16": ("int16", 2),
    "I8": ("int8", 1),
    "U64": ("uint64", 8),
    "U32": ("uint32", 4),
    "U16": ("uint16", 2),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}
# Bits of an element; None where Python's writer has no name for it.
NOT_READ = {
    "F4": ("float4_e2m1fn_x2", 4),
    "F6_E2M3": (None, 6),
    "F6_E3M2": (None, 6),
    "F8_E5M2": ("float8_e5m2", 8),
    "F8_E4M3": ("float8_e4m3fn", 8),
    "F8_E8M0": ("float8_e8m0fnu", 8),
    "F8_E4M3FNUZ": ("float8_e4m3fnuz", 8),
    "F8_E5M2FNUZ": ("float8_e5m2fnuz", 8),
    "C64": ("complex64", 64),
}
NAMES = ["", "a", "0", "10", "__proto__", "constructor", "h.0.attn.c_attn.weight", 'quo"te\\', "猫 𝄞\n\x7f\u2028", "\x1f"]

# Reads every *.safetensors of a folder, writes it again beside it, and tells what it found as JSON.
READ_ALL = """
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes, isDtype, readHeader, readTensor, toBytes } from "@normless/safetensors";
const folder = process.argv.at(-1);
const hex = (data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex");
const found = {};
for (const file of readdirSync(folder).filter((name) => name.endsWith(".safetensors"))) {
  const source = fromBytes(readFileSync(join(folder, file)), file);
  try {
    const header = await readHeader(source);
    const tensors = [];
    const entries = [];
    for (const [name, { dtype, shape }] of header.tensors) {
      try {
        const data = await readTensor(source, header, name);
        tensors.push([name, dtype, shape, hex(data)]);
        if (isDtype(dtype)) entries.push({ name, dtype, shape, data });
      } catch (error) {
        tensors.push([name, dtype, shape, { error: error.message }]);
      }
    }
    writeFileSync(join(folder, `${file}.again`), await toBytes(entries, header));
    found[file] = { metadata: Object.entries(header.metadata), tensors };
  } catch (error) {
    found[file] = { error: error.message };
  }
}
writeFileSync(join(folder, "found.json"), JSON.stringify(found));
"""

# Writes the files that a JSON asks for.
WRITE_ALL = """
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readTensor, readHeader, fromBytes, toBytes } from "@normless/safetensors";
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


def read_all(node, folder):
    node(READ_ALL, folder)
    return json.loads((folder / "found.json").read_text())


def some_tensors(random, dtypes):
    """Tensors as (name, dtype, shape, bytes): scalars and empty ones among them, any bits in them."""
    tensors = []
    for name in random.sample(NAMES, random.randrange(len(NAMES))):
        dtype = random.choice(dtypes)
        bits = 8 * READ[dtype][1] if dtype in READ else NOT_READ[dtype][1]
        shape = [random.randrange(4) for _ in range(random.randrange(4))]
        if bits < 8:
            shape.append(4 * random.randrange(3))  # so that they fill whole bytes
        count = int(np.prod(shape, dtype=int))
        data = bytes(b & 1 for b in random.randbytes(count)) if dtype == "BOOL" else random.randbytes(count * bits // 8)
        tensors.append((name, dtype, shape, data))
    return tensors


def by_python(tensors, metadata):
    """A file that Python's safetensors wrote."""
    specs, alive = {}, []
    for name, dtype, shape, data in tensors:
        array = np.frombuffer(data + b"\0", np.uint8)
        alive.append(array)
        shape = [*shape[:-1], shape[-1] // 2] if dtype == "F4" else shape  # asked for in pairs
        known = READ.get(dtype) or NOT_READ[dtype]
        specs[name] = TensorSpec(dtype=known[0], shape=shape, data_ptr=array.ctypes.data, data_len=len(data))
    return serialize(specs, metadata)


def by_hand(header, data=b""):
    """A file with this header, whatever it says."""
    text = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(text)) + text + data


def python_reads(file):
    """The tensors of a file by name."""
    return {name: (info["dtype"], info["shape"], bytes(info["data"])) for name, info in deserialize(file)}


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


def difference(header):
    """Why the two readers may differ on a header, or None where they must agree."""
    twice, known = [], set(READ) | set(NOT_READ)

    def pairs(items):
        keys = [key for key, _ in items]
        if len(set(keys)) < len(keys):
            twice.append(keys)
        return dict(items)

    try:
        value = json.loads(header, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return None
    if twice:
        return "A key twice: Python takes the last, and another reader might the first. The format forbids it."
    if not isinstance(value, dict):
        return None
    entries = [entry for name, entry in value.items() if name != "__metadata__"]
    if any(isinstance(entry, list) for entry in entries):
        return "An entry as a list of its fields: Python's JSON library takes it; it is not of the format."
    dtypes = [entry.get("dtype") for entry in entries if isinstance(entry, dict)]
    if any(isinstance(dtype, dict) for dtype in dtypes):
        return 'A dtype as {"F32": null}: Python\'s JSON library takes it; it is not of the format.'
    if any(isinstance(dtype, str) and dtype not in known for dtype in dtypes):
        return "A dtype that Python does not know: ours lists it, and reads the rest of the file."
    shapes = [entry.get("shape") for entry in entries if isinstance(entry, dict)]
    if any(isinstance(dim, int) and dim >= 2**53 for shape in shapes if isinstance(shape, list) for dim in shape):
        return "A dimension from 2^53 up, beside a 0: no number of JavaScript's holds it."
    if b"[" * 100 in header.replace(b" ", b"") or b'{"a":' * 100 in header:
        return "More than 127 levels in a field that the format does not name: Python's JSON library has a limit."
    return None


def python_takes(path):
    try:
        with safe_open(path, "numpy") as file:
            return sorted(file.keys())
    except Exception as error:
        assert type(error).__name__ == "SafetensorError", error
        return None


def entry(dtype='"F32"', shape="[2]", offsets="[0,8]", more=""):
    return f'{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}{more}}}'


def one(**fields):
    """A header with one tensor."""
    return '{"a":' + entry(**fields) + "}"


def u8(begin, end):
    return f'{{"dtype":"U8","shape":[{end - begin}],"data_offsets":[{begin},{end}]}}'


def headers_by_hand():
    """(header, bytes behind it)"""
    tensor = f'"a":{entry()}'
    for space in [" ", "\t", "\n", "\r", " \n\t\r ", "\v", "\f", "\u00a0", "\ufeff", "\0", "\u2028"]:
        for header in [f"{space}{{{tensor}}}", f"{{{tensor}}}{space}", f"{{{space}{tensor}{space}}}"]:
            yield header, 8
    for more in ["-1.5", "1e999", "123456789012345678901234567890", '"\\ud800"', '"\\ud83d\\ude00"', "null", "[1,{}]"]:
        yield one(more=',"note":' + more), 8
    for levels in [100, 200]:
        yield one(more=',"note":' + "[" * levels + "]" * levels), 8
    for more in [',"note":1,"note":2', ',"note":{"x":1,"x":2}', ',"dtype":"F32"', ',"\\ud800":1']:
        yield one(more=more), 8
    for metadata in ["{}", "null", "[]", '"x"', '{"x":1}', '{"x":null}', '{"x":"1","x":"2"}', '{"x":"\\ud800"}']:
        yield f'{{"__metadata__":{metadata},{tensor}}}', 8
    yield f'{{"__metadata__":{{}},"__metadata__":{{}},{tensor}}}', 8
    yield f"{{{tensor},{tensor}}}", 8
    for dtype in ['{"F32":null}', "17", "null", '"f32"', '"F128"', '""', '["F32"]']:
        yield one(dtype=dtype), 8
    for whole in ['["F32",[2],[0,8]]', "null", "NaN", "8", '"F32"', "{}", "[]"]:
        yield f'{{"a":{whole}}}', 8
    for shape in ["[2.0]", "[2e0]", "[-2]", "[02]", '["2"]', "null", "{}", "2", "[[2]]", "[true]", "[2,1]", "[1,2,1]"]:
        yield one(shape=shape), 8
    for offsets in ["[0,8,8]", "[0]", "[8,0]", "[0,8.0]", '["0","8"]', "8", "[1,9]", "[0,4]", "[-8,0]"]:
        yield one(offsets=offsets), 8
    for dims in [[0, 2**60], [2**60, 0], [2**40, 2**40, 0], [0, 2**40, 2**40], [2**52, 4, 0], [2**52, 4095, 0]]:
        yield one(shape=dims, offsets="[0,0]"), 0
    for dims in [[2**52, 4096, 0], [0, 2**64 - 1], [0, 2**64], [2**53 - 1, 0], [-0]]:
        yield one(shape=dims, offsets="[0,0]"), 0
    for dtype in {**READ, **NOT_READ}:
        bits = 8 * READ[dtype][1] if dtype in READ else NOT_READ[dtype][1]
        for count in range(9):
            for length in {count * bits // 8, -(-count * bits // 8), count * bits // 8 + 1}:
                yield one(dtype=json.dumps(dtype), shape=f"[{count}]", offsets=f"[0,{length}]"), length
    for places in [[(0, 4), (6, 8)], [(0, 4), (3, 8)], [(0, 4), (0, 4)], [(1, 8)], [(0, 7)], [(0, 9)], [(4, 8), (0, 4)]]:
        yield "{" + ",".join(f'"{i}":{u8(*place)}' for i, place in enumerate(places)) + "}", 8
    for empty in [(2, 2), (4, 4), (8, 8), (9, 9), (0, 0)]:
        yield f'{{"a":{u8(0, 4)},"e":{u8(*empty)},"b":{u8(4, 8)}}}', 8
    for header in ["", " ", "{}", "[]", "null", "{}x", "{}{}", "{", f"{{{tensor},}}", f"{{/**/{tensor}}}", "{}\0"]:
        yield header, 0
    for name in ["", "\\x", "\\/", "\x7f", "\n", "\\n", "\\ud800", "\\u0000", "猫"]:
        yield f'{{"{name}":{entry()}}}', 8
    for bad in [b"\xff", b"\xc0\x80", b"\xed\xa0\x80"]:
        yield b'{"' + bad + b'":' + entry().encode() + b"}", 8


def files_by_hand():
    for header, length in headers_by_hand():
        for more in {length, 0, length + 1}:
            yield by_hand(header, bytes(more))
    for length in [0, 3, 100_000_000, 100_000_001, 2**63, 2**64 - 1]:
        yield struct.pack("<Q", length) + b"{}"
    for size in range(9):
        yield bytes(size)


def files_with_a_byte_changed():
    """Good files with one byte of the header changed, put in or taken out; most of them are bad then."""
    rng = random.Random(6)
    for _ in range(3000):
        file = by_python(some_tensors(rng, list(READ)), rng.choice([None, {"format": "pt"}]))
        end = 8 + struct.unpack("<Q", file[:8])[0]
        header, data = bytearray(file[8:end]), file[end:]
        at = rng.randrange(len(header))
        new = rng.choice(b' "{}[]:,0123456789-.eFIBU\\\t\n\0\xe9')
        change = rng.randrange(3)
        if change == 0:
            header[at] = new
        elif change == 1:
            header.insert(at, new)
        else:
            del header[at]
        yield by_hand(bytes(header), data)


@pytest.mark.parametrize("files", [files_by_hand, files_with_a_byte_changed])
def test_both_refuse_the_same_files(node, tmp_path, files):
    contents = list(files())
    for i, content in enumerate(contents):
        (tmp_path / f"{i}.safetensors").write_bytes(content)
    found = read_all(node, tmp_path)
    outcomes, differ = set(), []
    for i, content in enumerate(contents):
        ours = found[f"{i}.safetensors"]
        taken = None if "error" in ours else sorted(name for name, *_ in ours["tensors"])
        theirs = python_takes(tmp_path / f"{i}.safetensors")
        length = struct.unpack("<Q", content[:8])[0] if len(content) >= 8 else 0
        if difference(content[8 : 8 + length]) is None:
            outcomes.add(taken is None)
            if taken != theirs:
                differ.append((content[:200], theirs, ours))
    assert differ == []
    assert outcomes == {True, False}  # some were refused, and some read
