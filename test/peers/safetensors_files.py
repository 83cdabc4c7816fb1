"""What the tests of safetensors share: random tensors, files by Python and by hand, and what @normless/safetensors reads."""

import json
import struct

import numpy as np
from safetensors import TensorSpec, deserialize, serialize

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
