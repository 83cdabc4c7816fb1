"""tokenizers, and transformers on top of it: they give our ids for any text, added tokens included, and our text for any
ids. Where the two sides know different versions of Unicode, the characters are named."""

import json
import random
import shutil

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AddedToken, AutoTokenizer

ENCODE = """
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { randomAt } from "@normless/random";
import { TOKENIZER_FILES, tokenizerFromFiles } from "@normless/text";
const [folder, textsFile, specialTokens] = process.argv.slice(1);
const names = readdirSync(folder).filter((name) => TOKENIZER_FILES.includes(name));
const files = Object.fromEntries(names.map((name) => [name, readFileSync(`${folder}/${name}`, "utf8")]));
const { tokenizer, notes } = tokenizerFromFiles(files);
const options = { specialTokens: specialTokens === "true" };
const ids = JSON.parse(readFileSync(textsFile, "utf8")).map((text, i) => {
  const whole = tokenizer.encode(text, options);
  const random = randomAt(1337, i);
  const encoder = tokenizer.encoder(options);
  const pieces = [];
  for (let at = 0; at < text.length; ) {
    const end = at + 1 + random.below(Math.max(8, text.length >> 2));
    pieces.push(encoder.write(text.slice(at, end)));
    at = end;
  }
  pieces.push(encoder.end());
  assert.deepEqual(pieces.flat(), whole, "in pieces, of " + JSON.stringify(text));
  return whole;
});
console.log(JSON.stringify({ ids, notes, vocabSize: tokenizer.vocabSize }));
"""

DECODE = """
import { readFileSync } from "node:fs";
import { tokenizerFromFiles } from "@normless/text";
const [folder, rowsFile] = process.argv.slice(1);
const { tokenizer } = tokenizerFromFiles({ "tokenizer.json": readFileSync(`${folder}/tokenizer.json`, "utf8") });
const rows = JSON.parse(readFileSync(rowsFile, "utf8"));
const bytes = (ids) => Buffer.from(tokenizer.decodeBytes(ids)).toString("hex");
console.log(JSON.stringify(rows.map((ids) => [tokenizer.decode(ids), bytes(ids)])));
"""

CLASSES = """
import { readFileSync } from "node:fs";
import { tokenizerFromFiles } from "@normless/text";
const [file] = process.argv.slice(1);
const json = readFileSync(file, "utf8");
const { tokenizer } = tokenizerFromFiles({ "tokenizer.json": json });
const { vocab } = JSON.parse(json).model;
const kinds = { L: "a", N: "1", O: "!" };
const letterOf = new Map();
for (const [kind, character] of Object.entries(kinds)) {
  for (const [token, id] of Object.entries(vocab)) {
    if ([...token].length === 2 && token.startsWith(character)) letterOf.set(id, kind);
  }
}
let classes = "";
for (let point = 0; point < 0x110000; point++) {
  if (point >= 0xd800 && point < 0xe000) continue;
  const character = String.fromCodePoint(point);
  const ids = tokenizer.encode(Object.values(kinds).map((kind) => kind + character).join(" "));
  classes += ids.map((id) => letterOf.get(id) ?? "").join("") || "W";
}
console.log(JSON.stringify({ unicode: process.versions.unicode, classes }));
"""

# What tokenizers 0.23's oniguruma knows.
THEIR_UNICODE = "16.0"

# The letters (L) and numbers (N) that a version of Unicode has first.
NEW_IN = {
    "16.0": [],
    "17.0": [
        (0x088F, 0x088F, "L", "an Arabic letter"),
        (0x0C5C, 0x0C5C, "L", "a Telugu letter"),
        (0x0CDC, 0x0CDC, "L", "a Kannada letter"),
        (0xA7CE, 0xA7CF, "L", "Latin letters"),
        (0xA7D2, 0xA7D2, "L", "Latin letters"),
        (0xA7D4, 0xA7D4, "L", "Latin letters"),
        (0xA7F1, 0xA7F1, "L", "Latin letters"),
        (0x10940, 0x10959, "L", "Sidetic"),
        (0x10EC5, 0x10EC7, "L", "Arabic Extended-C"),
        (0x11DB0, 0x11DDB, "L", "Tolong Siki"),
        (0x11DE0, 0x11DE9, "N", "Tolong Siki"),
        (0x16EA0, 0x16EB8, "L", "Beria Erfe"),
        (0x16EBB, 0x16ED3, "L", "Beria Erfe"),
        (0x16FF2, 0x16FF3, "L", "Chinese small er"),
        (0x16FF4, 0x16FF6, "N", "Yangqin signs"),
        (0x187F8, 0x187FF, "L", "Tangut"),
        (0x18D09, 0x18D1E, "L", "Tangut Supplement"),
        (0x18D80, 0x18DF2, "L", "Tangut Components Supplement"),
        (0x1E6C0, 0x1E6DE, "L", "Tai Yo"),
        (0x1E6E0, 0x1E6E2, "L", "Tai Yo"),
        (0x1E6E4, 0x1E6E5, "L", "Tai Yo"),
        (0x1E6E7, 0x1E6ED, "L", "Tai Yo"),
        (0x1E6F0, 0x1E6F4, "L", "Tai Yo"),
        (0x1E6FE, 0x1E6FF, "L", "Tai Yo"),
        (0x2B73A, 0x2B73F, "L", "CJK Extension C"),
        (0x2CEA2, 0x2CEAD, "L", "CJK Extension E"),
        (0x323B0, 0x33479, "L", "CJK Extension J"),
    ],
}
NEWER = {point: kind for first, last, kind, _ in NEW_IN["17.0"] for point in range(first, last + 1)}

POINTS = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
KINDS = {"L": "a", "N": "1", "O": "!"}


def byte_alphabet():
    """The characters that stand for the 256 bytes, by byte."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    printable = [chr(byte) for byte in range(256) if chr(byte) in alphabet]
    others = sorted(set(alphabet) - set(printable))
    free = iter(others)
    return [chr(byte) if chr(byte) in printable else next(free) for byte in range(256)]


def test_every_character_is_of_one_kind_on_both_sides(node, tmp_path):
    """A letter, a number, white space or other: told by whether "a", "1" or "!" is merged with its first byte, which
    happens inside a word only."""
    alphabet = byte_alphabet()
    merges = [(mark, byte) for mark in KINDS.values() for byte in alphabet]
    tokens = [*alphabet, *(mark + byte for mark, byte in merges), "<|endoftext|>"]
    theirs = Tokenizer(models.BPE(vocab={token: id for id, token in enumerate(tokens)}, merges=merges))
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.save(str(tmp_path / "tokenizer.json"))
    kind_of = {theirs.token_to_id(mark + byte): kind for kind, mark in KINDS.items() for byte in alphabet}

    ours = json.loads(node(CLASSES, tmp_path / "tokenizer.json").stdout)
    classes = []
    for begin in range(0, len(POINTS), 50_000):
        texts = [" ".join(mark + chr(point) for mark in KINDS.values()) for point in POINTS[begin : begin + 50_000]]
        for found in theirs.encode_batch(texts):
            classes.append("".join(kind_of.get(id, "") for id in found.ids) or "W")
    assert set(classes) == set(ours["classes"]) == {"L", "N", "O", "W"}
    assert classes.count("W") == 25

    unicode = ours["unicode"]
    assert unicode in NEW_IN, f"Node knows Unicode {unicode}: add what it has and {THEIR_UNICODE} has not"
    other = {p: (a, b) for p, a, b in zip(POINTS, ours["classes"], classes, strict=True) if a != b}
    expected = {p: (kind, "O") for a, b, kind, _ in NEW_IN[unicode] for p in range(a, b + 1)}
    print(f"Node has Unicode {unicode}, tokenizers {THEIR_UNICODE}: {len(other)} characters of other kinds")
    for first, last, kind, name in NEW_IN[unicode]:
        print(f"  U+{first:04X} to U+{last:04X}: {kind}, {name}")
    assert other == expected


# Pieces that the regular expression, the merges or the added tokens treat in their own way.
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
NEAR_SPACES = "\u180e\u200b\u200c\u200d\u2060\ufeff\x1c\x1f\0"
MARKS = "\u0301\u0308\u20dd\ufe0f\u0300\u093f\u0e31\u0d57"
DIGITS = "0123456789٣½Ⅷ²一৭"
EMOJI = "😀🙂👩‍👩‍👧🏳️‍🌈🇺🇳✌🏽"
LETTERS = "abcdefgstrelvmdSTRELVMDéßñøŒжЖяשلאה漢字かなカナ한국어𝒜𐐷ǅªʰ"
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'RE", "'", "''", "'r", "'l", "’s", " 's"]
WORDS = [" the", " The", "ing", " people", " United", "States", "\r\n", "<|endoftext|>", "<|endof", "text|>", "..."]


def any_point(rng):
    """Of each plane and of each kind about as often; none that the two sides do not know alike."""
    while True:
        top = rng.choice([0x80, 0x250, 0x3000, 0x10000, 0x20000, 0x110000])
        point = rng.randrange(top)
        if not 0xD800 <= point < 0xE000 and point not in NEWER:
            return chr(point)


def piece(rng, added):
    kind = rng.randrange(14)
    if kind == 0:
        return any_point(rng)
    if kind == 1:
        return rng.choice(SPACES) * rng.choice([1, 1, 2, 3, 17])
    if kind == 2:
        return " " * rng.choice([1, 1, 2, 5])
    if kind == 3:
        return rng.choice(NEAR_SPACES + MARKS)
    if kind == 4:
        return "".join(rng.choices(DIGITS, k=rng.randrange(1, 6)))
    if kind == 5:
        return rng.choice(EMOJI)
    if kind in (6, 7):
        return "".join(rng.choices(LETTERS, k=rng.randrange(1, 8)))
    if kind == 8:
        return rng.choice(CONTRACTIONS)
    if kind in (9, 10):
        return rng.choice(WORDS)
    if kind == 11:
        return "".join(rng.choices("!?.,;:-_()[]{}<>|/\\\"#$%&*+=@^`~", k=rng.randrange(1, 5)))
    if added:
        return rng.choice(["", " ", "  ", "x", "\n"]) + rng.choice(added) + rng.choice(["", " ", "  ", "x", "."])
    return "".join(any_point(rng) for _ in range(rng.randrange(1, 6)))


def texts(seed, count, added=()):
    rng = random.Random(seed)
    return ["".join(piece(rng, list(added)) for _ in range(rng.randrange(1, 14))) for _ in range(count)]


def long_texts(added=()):
    """Words, white space and other runs of thousands of characters, alone and inside a text."""
    rng = random.Random(7)
    runs = ["a", "ab", "é", "漢", "𝒜", "1", "½", "!", "\0", " ", "\n", " \n", "\t", "\u3000", "\r\n", "😀", "'s", "' "]
    runs += ["e\u0301", "a ", "1a", "<|endoftext|>", *added]
    made = ["".join(rng.choices(letters, k=10_000)) for letters in ("ab", LETTERS, "the", DIGITS, SPACES, MARKS)]
    for run in runs:
        long = run * (10_000 // len(run))
        made += [long, f"x{long}x", f" {long} y", f"7{long}", long + "'ll"]
    return made


@pytest.fixture(scope="module")
def ours(node, tmp_path_factory):
    """`ours(folder, texts)`: {"ids", "notes", "vocabSize"} of normless."""

    def run(folder, texts, *, special=True):
        path = tmp_path_factory.mktemp("texts") / "texts.json"
        path.write_text(json.dumps(texts))
        return json.loads(node(ENCODE, folder, path, "true" if special else "false").stdout)

    return run


def theirs(tokenizer, texts):
    return [found.ids for found in tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)]


def check(folder, ours, texts, said=()):
    """Our ids are AutoTokenizer's, and our notes are these."""
    found = ours(folder, texts)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for text, a, b in zip(texts, found["ids"], theirs(tokenizer, texts), strict=True):
        assert a == b, f"of {text[:300]!r}"
    assert len(found["notes"]) == len(said), found["notes"]
    for note, words in zip(found["notes"], said, strict=True):
        assert words in note
    return found


def copy_of(shipped, folder):
    """The shipped model's config and tokenizer: vocab.json and merges.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "vocab.json", "merges.txt"):
        shutil.copy(shipped / name, folder)
    return folder


def test_any_text_has_their_ids(shipped, ours, tmp_path):
    many = texts(1, 30_000) + long_texts()
    copy_of(shipped, tmp_path / "two")
    check(tmp_path / "two", ours, many)
    # And of the tokenizer.json that transformers makes of the two files.
    AutoTokenizer.from_pretrained(shipped).save_pretrained(tmp_path / "five")
    check(tmp_path / "five", ours, many[::10])


def test_a_document_does_not_end_itself(shipped, ours, tmp_path):
    """In data, end-of-text is text like any other: as for a tokenizer that was never told of it."""
    copy_of(shipped, tmp_path)
    many = texts(2, 3_000) + long_texts()
    plain = Tokenizer(models.BPE.from_file(str(shipped / "vocab.json"), str(shipped / "merges.txt")))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found = ours(tmp_path, many, special=False)["ids"]
    assert found == [each.ids for each in plain.encode_batch(many)]
    assert any("<|endoftext|>" in text for text in many)


# Overlapping ones, each flag by itself and together, inside words, with spaces and beyond ASCII.
ADDED = [
    AddedToken("[PAD]", special=True, normalized=False),
    AddedToken("<|im_start|>", special=True, normalized=False),
    AddedToken("<|im_start|>user", special=True, normalized=False),
    AddedToken("foo", normalized=True),
    AddedToken("foobar", normalized=True),
    AddedToken("oba", normalized=False),
    AddedToken("bar foo", normalized=False),
    AddedToken("new word", normalized=True),
    AddedToken(" lead", normalized=True),
    AddedToken("trail ", normalized=False),
    AddedToken("\n\n", normalized=True),
    AddedToken("single", single_word=True, normalized=True),
    AddedToken("<one>", single_word=True, normalized=False),
    AddedToken("漢字", single_word=True, normalized=False),
    AddedToken("<left>", lstrip=True, normalized=False),
    AddedToken("left", lstrip=True, normalized=True),
    AddedToken("<right>", rstrip=True, normalized=False),
    AddedToken("right", rstrip=True, normalized=True),
    AddedToken("<mask>", lstrip=True, rstrip=True, special=True, normalized=False),
    AddedToken("alone", lstrip=True, rstrip=True, single_word=True, normalized=True),
    AddedToken("😀😀", normalized=True),
    AddedToken(".*+?^${}()|[]\\/-", normalized=False),
    AddedToken("naïve", normalized=True),
    AddedToken("the", normalized=True),
]
CONTENTS = [token.content for token in ADDED]


def test_added_tokens_are_found_as_they_find_them(shipped, ours, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(shipped)
    tokenizer.add_tokens(ADDED)
    tokenizer.save_pretrained(tmp_path)
    shutil.copy(shipped / "config.json", tmp_path)
    pieces = CONTENTS + ["f", "fo", "o", "bar", "new", "word", "<|im_", "[PAD", "single_", "<", "😀"]
    many = texts(3, 15_000, pieces) + long_texts(CONTENTS)
    found = check(tmp_path, ours, many)
    # Some of them are in the vocabulary already.
    vocab = json.loads((shipped / "vocab.json").read_text())
    assert found["vocabSize"] == len(tokenizer) == 4096 + sum(content not in vocab for content in CONTENTS)
    for content in CONTENTS:
        assert any(content in text for text in many), content


@pytest.mark.parametrize("seed", range(24))
def test_any_added_tokens(shipped, ours, tmp_path, seed):
    """Random tokens with random flags over few characters, so that they overlap and touch."""
    rng = random.Random(seed)
    letters = "ab <>_é\n"
    flags = ["single_word", "lstrip", "rstrip", "normalized", "special"]
    contents = sorted({"".join(rng.choices(letters, k=rng.randrange(1, 5))) for _ in range(8)})
    tokenizer = AutoTokenizer.from_pretrained(shipped)
    tokenizer.add_tokens([AddedToken(c, **{flag: rng.random() < 0.3 for flag in flags}) for c in contents])
    tokenizer.save_pretrained(tmp_path)
    shutil.copy(shipped / "config.json", tmp_path)
    many = ["".join(rng.choices([*letters, *contents], k=rng.randrange(1, 16))) for _ in range(800)]
    check(tmp_path, ours, [text for text in many if they_encode(tokenizer, text)])


def they_encode(tokenizer, text):
    """Where one token has taken white space that others are made of, tokenizers may panic."""
    try:
        tokenizer.backend_tokenizer.encode(text)
    except BaseException as error:
        assert str(error) == "AddedVocabulary bad split"
        return False
    return True


def token(content, **how):
    """An entry of an added_tokens_decoder."""
    return {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False, **how}


SPECIAL = {"normalized": False, "special": True}
PAD = token("[PAD]", **SPECIAL)
EOT = token("<|endoftext|>", special=True)
NAMES = {name: "<|endoftext|>" for name in ("bos_token", "eos_token", "unk_token")}
DECODER = {
    "4095": EOT,
    "4096": PAD,
    "4097": token("<sep>", **SPECIAL),
    "4098": token("foo", special=False),
    "4099": token(" lead", special=False, single_word=True),
}
TO_BE_ADDED = {entry["content"]: int(id) for id, entry in DECODER.items() if id != "4095"}
# transformers 4.57 has written these two; before 4.34 there was no decoder.
CONFIG_4 = {**NAMES, "pad_token": "[PAD]", "additional_special_tokens": ["<sep>"], "extra_special_tokens": {}}
CONFIG_4 |= {"add_bos_token": False, "add_prefix_space": False, "tokenizer_class": "GPT2Tokenizer", "errors": "replace"}
MAP_4 = {
    "additional_special_tokens": [token("<sep>", normalized=False)],
    "pad_token": token("[PAD]", normalized=False),
    **{name: token("<|endoftext|>") for name in NAMES},
}


def saved(*added, vocab=()):
    """A change of tokenizer.json: added tokens with their ids, and tokens of the vocabulary."""

    def change(file):
        file["added_tokens"] += [{"id": id, **entry} for id, entry in added]
        file["model"]["vocab"].update(vocab)

    return change


# By what is said of it: the files beside vocab.json and merges.txt, and the notes that we give.
FOLDERS = {
    "transformers 4, slow": (
        {"added_tokens.json": TO_BE_ADDED, "special_tokens_map.json": MAP_4}
        | {"tokenizer_config.json": {**CONFIG_4, "added_tokens_decoder": DECODER}},
        [],
    ),
    "transformers 4, fast": (
        {"added_tokens.json": TO_BE_ADDED, "special_tokens_map.json": MAP_4}
        | {"tokenizer_config.json": {**CONFIG_4, "added_tokens_decoder": DECODER}}
        | {"tokenizer.json": saved(*((int(id), entry) for id, entry in DECODER.items() if id != "4095"))},
        [],
    ),
    "transformers before 4.34": (
        {"added_tokens.json": TO_BE_ADDED, "special_tokens_map.json": MAP_4, "tokenizer_config.json": CONFIG_4},
        [],
    ),
    "added_tokens.json alone": ({"added_tokens.json": {"foo": 4097, "[PAD]": 4096}}, []),
    "[PAD] in tokenizer.json alone": (
        {"tokenizer.json": saved((4096, PAD))},
        ['disagree on "[PAD]" (no id and id 4096)'],
    ),
    "[PAD] in the vocabulary of tokenizer.json": (
        {"tokenizer.json": saved((4096, PAD), vocab={"[PAD]": 4096})},
        ['disagree on "[PAD]" (no id and id 4096)'],
    ),
    "[PAD] in the vocabulary and not added": (
        {"tokenizer.json": saved(vocab={"[PAD]": 4096})},
        ['disagree on "[PAD]" (no id and id 4096)'],
    ),
    "named in tokenizer_config.json": (
        {"tokenizer_config.json": {"pad_token": "[PAD]", "sep_token": "<sep>", "additional_special_tokens": ["foo"]}},
        ['"<sep>", sep_token of', '"[PAD]", pad_token of', '"foo", additional_special_tokens of'],
    ),
    "named in special_tokens_map.json, with a flag": (
        {"special_tokens_map.json": {"pad_token": token("[PAD]", normalized=False, lstrip=True)}},
        ['"[PAD]", pad_token of special_tokens_map.json, has no id in any file: it gets the next one, 4096'],
    ),
    "one in added_tokens.json, one named": (
        {"added_tokens.json": {"foo": 4096}, "tokenizer_config.json": {"pad_token": "[PAD]"}},
        ['"[PAD]", pad_token of'],
    ),
    "tokenizer.json and added_tokens.json, each with its own": (
        {"tokenizer.json": saved((4096, PAD)), "added_tokens.json": {"foo": 4097}},
        ['disagree on "[PAD]"', '"foo" (4097) is in added_tokens.json and not in tokenizer.json; it is taken'],
    ),
    "added_tokens.json with an id that is taken": (
        {"tokenizer.json": saved((4096, PAD)), "added_tokens.json": {"foo": 4096}},
        ['disagree on "[PAD]"', '"foo" is 4096 in added_tokens.json, which is "[PAD]"; it is left out'],
    ),
    "added_tokens.json with another id": (
        {"tokenizer.json": saved((4096, PAD)), "added_tokens.json": {"[PAD]": 4099}},
        ['"[PAD]" is 4099 in added_tokens.json; it is taken as 4096'],
    ),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_has_the_ids_of_its_training(shipped, ours, tmp_path, name):
    files, notes = FOLDERS[name]
    copy_of(shipped, tmp_path / "folder")
    for file, content in files.items():
        if file == "tokenizer.json":
            AutoTokenizer.from_pretrained(shipped).save_pretrained(tmp_path / "plain")
            whole = json.loads((tmp_path / "plain/tokenizer.json").read_text())
            content(whole)
            content = whole
        (tmp_path / "folder" / file).write_text(json.dumps(content))
    contents = [*TO_BE_ADDED, "<|endoftext|>"]
    found = check(tmp_path / "folder", ours, ["hi [PAD]", *texts(4, 1000, contents)], notes)
    assert found["ids"][0] == AutoTokenizer.from_pretrained(tmp_path / "folder")("hi [PAD]")["input_ids"]


def test_ids_have_their_text(shipped, node, tmp_path):
    """Random ids make characters that are cut in two, and bytes that are none."""
    tokenizer = AutoTokenizer.from_pretrained(shipped)
    # What tokenizers does with "naïve" is in the test below.
    tokenizer.add_tokens([token for token in ADDED if token.content != "naïve"])
    tokenizer.save_pretrained(tmp_path)
    rng = random.Random(5)
    bytewise = [tokenizer.convert_tokens_to_ids(character) for character in byte_alphabet()]
    rows = [[id] for id in range(len(tokenizer))]
    rows += [rng.choices(range(len(tokenizer)), k=rng.randrange(1, 40)) for _ in range(10_000)]
    rows += [rng.choices(bytewise, k=rng.randrange(1, 40)) for _ in range(10_000)]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    ours = json.loads(node(DECODE, tmp_path, tmp_path / "rows.json").stdout)
    byte_of = {character: byte for byte, character in enumerate(byte_alphabet())}
    added = {token.content for token in ADDED}
    for row, (text, bytes_) in zip(rows, ours, strict=True):
        assert text == tokenizer.backend_tokenizer.decode(row, skip_special_tokens=False)
        tokens = tokenizer.convert_ids_to_tokens(row)
        exact = [t.encode() if t in added else bytes(byte_of[c] for c in t) for t in tokens]
        assert bytes.fromhex(bytes_) == b"".join(exact)


def test_an_added_token_has_its_own_text(shipped, node, tmp_path):
    """tokenizers takes an added token whose characters are all of GPT-2's byte alphabet for bytes; we give its text."""
    tokenizer = AutoTokenizer.from_pretrained(shipped)
    tokenizer.add_tokens(["naïve"])
    tokenizer.save_pretrained(tmp_path)
    ids = tokenizer("naïve")["input_ids"]
    assert ids == [4096]
    (tmp_path / "rows.json").write_text(json.dumps([ids]))
    assert json.loads(node(DECODE, tmp_path, tmp_path / "rows.json").stdout) == [["naïve", "naïve".encode().hex()]]
    assert tokenizer.decode(ids) == "na\ufffdve"
