"""Items in HellaSwag's and LAMBADA's form out of the validation text of the model that ships: the same for the same seed."""

import gzip
import random
import re
from array import array


def validation_text(shipped, tokenizer):
    """The text of val.bin.gz: nanoGPT's or llm.c's shards are 16-bit ids, the latter behind a header of 1,024 bytes."""
    data = gzip.decompress((shipped / "val.bin.gz").read_bytes())
    if int.from_bytes(data[:4], "little") == 20240520:
        data = data[1024:]
    return tokenizer.decode(array("H", data).tolist())


def sentences_of(text):
    found = re.split(r"(?<=[.!?])\s+", text)
    return [s.replace("\n", " ") for s in found if 30 <= len(s) <= 160 and "<|endoftext|>" not in s]


def hellaswag_items(sentences, count, seed=1337):
    """A sentence, the beginning of the next one, and four ways to go on, of which one is the text's own. WikiHow's
    brackets, doubled spaces and letters beyond ASCII are put in here and there, as HellaSwag has them."""
    draw = random.Random(seed)
    items = []
    # No two of the same sentences: the harness takes rows of the same tokens for one, wherever the ending begins in them.
    for i, at in enumerate(draw.sample(range(len(sentences) - 1), count)):
        words = sentences[at + 1].split(" ")
        cut = draw.randrange(1, min(6, len(words)))
        endings = [" ".join(words[cut:])]
        while len(endings) < 4:
            other = draw.choice(sentences).split(" ")
            endings.append(" ".join(other[min(cut, len(other) - 1) :]))
        if i % 5 == 0:
            endings = [f"[substeps] {e.replace('e', 'é', 3)} [title] {e}  [step] done." for e in endings]
        if i % 7 == 0:
            endings[draw.randrange(4)] += " 𝔘nicode – “quoted”"
        order = draw.sample(range(4), 4)
        ctx_a, ctx_b = sentences[at], " ".join(words[:cut])
        if i % 3 == 0:
            ctx_a = f"[header] {ctx_a} [title] "
        items.append(
            {
                "ind": i,
                "activity_label": draw.choice(["Roof shingle removal", "Family Life", "État"]),
                "ctx_a": ctx_a,
                "ctx_b": ctx_b,
                "ctx": f"{ctx_a} {ctx_b}",
                "endings": [endings[k] for k in order],
                "label": order.index(0),
            }
        )
    return items


def lambada_items(sentences, count, seed=1337):
    """Three sentences in a row, without the full stop at the end: the last word is to be guessed."""
    draw = random.Random(seed)
    starts = draw.sample(range(len(sentences) - 2), count)
    return [{"text": " ".join(sentences[at : at + 3]).rstrip(".!?\"'”) ")} for at in starts]
