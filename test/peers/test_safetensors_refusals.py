"""What safetensors (Python) refuses @normless/safetensors refuses, and the other way round.

Where they differ, `difference` names it and says why.
"""

import json
import random
import struct

import pytest
from safetensors import safe_open
from safetensors_files import NOT_READ, READ, by_hand, by_python, read_all, some_tensors


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
