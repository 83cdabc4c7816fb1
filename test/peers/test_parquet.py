"""Parquet files as pyarrow writes them: normless reads every text and every token that pyarrow put in.

One `normless eval` reads all files of a kind. A file's losses are those of the same texts in a .jsonl: the same tokens,
all of them, in the same order. How many there are is what Hugging Face's tokenizers makes of the texts.
"""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import ByteLevelBPETokenizer

TEXTS = [
    "Fellow citizens of the Senate and the House of Representatives",
    "é, 𝄞, \ufeff and \0",
    "a",
    " ",
    "We the People\nof the United States " * 20,
    "no",
    "no",
]
# A text's tokens and the end-of-text after it, and no token of a blank one; uint16, as ids of GPT-2 fit.
LISTS = [[1, 2, 3], [], [4095], [7, 8], [0, 0, 5]]


def write(path, groups, kind, **options):
    """A file of one column, with one row group of each list of values; an empty list gives an empty row group."""
    name = "input_ids" if pa.types.is_nested(kind) else "text"
    schema = pa.schema([pa.field(name, kind)])
    with pq.ParquetWriter(path, schema, **options) as writer:
        for values in groups:
            writer.write_table(pa.table([pa.array(values, kind)], schema=schema))
    assert pq.ParquetFile(path).metadata.num_row_groups == len(groups)
    return path


def write_texts(path, groups=(TEXTS,), kind=pa.string(), **options):
    return write(path, groups, kind, **options)


def texts_in_many_shapes(folder):
    for place, groups in {
        "first": [[], TEXTS],
        "middle": [TEXTS[:2], [], [], TEXTS[2:]],
        "last": [TEXTS[:3], TEXTS[3:], []],
        "everywhere": [[], *([text] for text in TEXTS[:4]), [], TEXTS[4:], []],
    }.items():
        yield write_texts(folder / f"empty-{place}.parquet", groups)
    for compression in ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]:
        for dictionary in [True, False]:
            for version in ["1.0", "2.0"]:
                yield write_texts(
                    folder / f"{compression}-dictionary-{dictionary}-pages-{version}.parquet",
                    compression=compression,
                    use_dictionary=dictionary,
                    data_page_version=version,
                )
    for encoding in ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]:
        yield write_texts(
            folder / f"{encoding}.parquet", use_dictionary=False, column_encoding={"text": encoding}
        )
    for version in ["1.0", "2.0"]:
        for dictionary in [True, False]:
            yield write_texts(
                folder / f"small-pages-{version}-{dictionary}.parquet",
                use_dictionary=dictionary,
                data_page_size=10,
                write_batch_size=1,
                data_page_version=version,
                write_page_index=True,
                write_page_checksum=True,
            )
    for kind in [pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())]:
        yield write_texts(folder / f"{str(kind).split('<')[0]}.parquet", kind=kind)
    others = pa.table(
        {
            "meta": pa.array([{"url": "a", "n": [1, None]}, None] + [{"url": None, "n": []}] * (len(TEXTS) - 2)),
            "text": TEXTS,
            "score": pa.array([None] * len(TEXTS), pa.float32()),
            "text2": TEXTS[::-1],
        }
    )
    pq.write_table(others, folder / "other-columns.parquet", row_group_size=3)
    yield folder / "other-columns.parquet"
    required = pa.schema([pa.field("text", pa.string(), nullable=False)])
    pq.write_table(pa.table([TEXTS], schema=required), folder / "required.parquet")
    yield folder / "required.parquet"


def tokens_in_many_shapes(folder):
    for element in [pa.int16(), pa.int32(), pa.int64(), pa.uint16(), pa.uint32(), pa.uint64()]:
        for kind in [pa.list_(element), pa.large_list(element)]:
            for version in ["1.0", "2.0"]:
                yield write(
                    folder / f"{kind.value_type}-{str(kind).split('<')[0]}-{version}.parquet",
                    [LISTS[:2], [], LISTS[2:]],
                    kind,
                    data_page_version=version,
                    data_page_size=10,
                    write_batch_size=2,
                )
    yield write(
        folder / "old-lists.parquet", [LISTS], pa.list_(pa.int32()), use_compliant_nested_type=False
    )


def losses(normless, files, folder):
    """What `normless eval` has for each file: how many targets, and the nats of each sequence."""
    report = folder / "report.json"
    normless("eval", "--data", *files, "--block-size", "64", "--resamples", "10", "--json", report)
    corpora = json.loads(report.read_text())["corpora"]
    assert [corpus["data"] for corpus in corpora] == [str(file) for file in files]
    return [(corpus["targets"], corpus["sequences"]) for corpus in corpora]


def test_every_text_is_read(normless, shipped, tmp_path):
    lines = tmp_path / "texts.jsonl"
    lines.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    files = list(texts_in_many_shapes(tmp_path))
    expected, *found = losses(normless, [lines, *files], tmp_path)
    tokenizer = ByteLevelBPETokenizer(str(shipped / "vocab.json"), str(shipped / "merges.txt"))
    ids = sum(len(tokenizer.encode(text).ids) + 1 for text in TEXTS if text.strip())
    assert expected[0] == ids - 1  # the first token has nothing before it that could predict it
    for file, losses_of_file in zip(files, found, strict=True):
        assert pq.ParquetFile(file).read(["text"])["text"].to_pylist() in (
            TEXTS,
            [text.encode() for text in TEXTS],
        )
        assert losses_of_file == expected, file.name


def test_every_token_is_read(normless, tmp_path):
    lines = tmp_path / "tokens.jsonl"
    lines.write_text("".join(json.dumps({"input_ids": ids}) + "\n" for ids in LISTS))
    files = list(tokens_in_many_shapes(tmp_path))
    expected, *found = losses(normless, [lines, *files], tmp_path)
    assert expected[0] == sum(len(ids) for ids in LISTS) - 1
    for file, losses_of_file in zip(files, found, strict=True):
        assert pq.ParquetFile(file).read()["input_ids"].to_pylist() == LISTS
        assert losses_of_file == expected, file.name


def test_a_large_text_is_read_whole(normless, tmp_path):
    word = "citizens "
    path = write_texts(tmp_path / "large.parquet", [["a", word * 150_000, "b"]], compression="zstd")
    report = tmp_path / "report.json"
    normless("eval", "--data", path, "--tokens", "150000", "--resamples", "10", "--json", report)
    assert json.loads(report.read_text())["corpora"][0]["targets"] == 150_000


def test_rows_are_counted_over_empty_row_groups(normless, tmp_path):
    path = write_texts(tmp_path / "rows.parquet", [["a b"], [], ["c d"], [], ["e f"]])
    (two,) = losses_of_rows(normless, path, 2, tmp_path)
    lines = tmp_path / "rows.jsonl"
    lines.write_text('{"text": "a b"}\n{"text": "c d"}\n')
    assert [two] == losses(normless, [lines], tmp_path)


def losses_of_rows(normless, path, rows, folder):
    report = folder / "rows.json"
    normless("eval", "--data", path, "--rows", str(rows), "--block-size", "64", "--resamples", "10", "--json", report)
    return [(corpus["targets"], corpus["sequences"]) for corpus in json.loads(report.read_text())["corpora"]]


@pytest.mark.parametrize(
    "values, kind, message",
    [
        (["a", None], pa.string(), 'row 2: "text" is null, not a text'),
        ([1], pa.int64(), 'row 1: "text" is a '),
        ([b"caf\xe9"], pa.binary(), "rows 1 to 1 cannot be read (a text is no UTF-8"),
        ([], pa.string(), 'no row has anything in "text"'),
        ([[1], None], pa.list_(pa.int32()), 'row 2: "input_ids" is null, not a list of token ids'),
        ([[1, None]], pa.list_(pa.int32()), 'row 1: "input_ids"[1] is null, not a token id'),
        ([[[1]]], pa.list_(pa.list_(pa.int32())), 'row 1: "input_ids"[0] is a list, not a token id'),
        ([[0.5]], pa.list_(pa.float32()), 'row 1: "input_ids"[0] is 0.5, not a token id'),
        ([[-1]], pa.list_(pa.int64()), 'row 1: "input_ids"[0] is -1, not a token id'),
        ([[70000]], pa.list_(pa.int64()), 'row 1: "input_ids"[0] is 70000, not a token id'),
        ([[5000]], pa.list_(pa.int64()), "token 0 has id 5000, outside the model's vocabulary of 4096"),
    ],
)
def test_what_is_no_text_or_token_is_refused_by_its_row(normless, tmp_path, values, kind, message):
    path = write(tmp_path / "bad.parquet", [values], kind)
    result = normless("eval", "--data", path, fails=True)
    assert f"bad.parquet: {message}" in result.stderr


@pytest.mark.parametrize(
    "values, kind, what",
    [
        ([{"a": "x"}], pa.struct([("a", pa.string())]), "an object"),
        ([["x", "y"]], pa.list_(pa.string()), "a list"),
        ([[("a", "b")]], pa.map_(pa.string(), pa.string()), "an object"),
    ],
)
def test_a_nested_column_is_no_text(normless, tmp_path, values, kind, what):
    path = tmp_path / "nested.parquet"
    pq.write_table(pa.table({"text": pa.array(values, kind)}), path)
    result = normless("eval", "--data", path, fails=True)
    assert f'nested.parquet: row 1: "text" is {what}, not a text' in result.stderr


def test_a_file_cut_anywhere_is_refused(normless, tmp_path):
    whole = write_texts(tmp_path / "whole.parquet").read_bytes()
    for length in [0, 3, len(whole) // 2, len(whole) - 9, len(whole) - 1]:
        path = tmp_path / "cut.parquet"
        path.write_bytes(whole[:length])
        assert "cut.parquet: is no" in normless("eval", "--data", path, fails=True).stderr
