"""lm-evaluation-harness scores items in HellaSwag's and LAMBADA's form by its own rules: every accuracy is ours."""

import json

import lm_eval
import pytest
from conftest import ROOT
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from make_tasks import hellaswag_items, lambada_items, sentences_of, validation_text
from transformers import AutoModelForCausalLM, AutoTokenizer

ITEMS = 300

# The harness's own tasks, with another file to read.
TASK = """
include: {stock}
task: {name}
dataset_path: json
dataset_name: null
dataset_kwargs: {{data_files: {{{split}: {file}}}}}
training_split: null
"""


@pytest.fixture(scope="module")
def tasks(shipped, tmp_path_factory):
    """The folder with hellaswag.jsonl and lambada.jsonl, and a manager that knows the harness's tasks on both."""
    folder = tmp_path_factory.mktemp("tasks")
    tokenizer = AutoTokenizer.from_pretrained(shipped)
    sentences = sentences_of(validation_text(shipped, tokenizer))
    stock = TaskManager().task_index
    for name, split, of, items in [
        ("hellaswag", "validation", "hellaswag", hellaswag_items(sentences, ITEMS)),
        ("lambada", "test", "lambada_openai", lambada_items(sentences, ITEMS)),
    ]:
        file = folder / f"{name}.jsonl"
        file.write_text("".join(json.dumps(item) + "\n" for item in items))
        task = TASK.format(stock=stock[of].yaml_path, name=f"{name}_here", split=split, file=file)
        (folder / f"{name}.yaml").write_text(task)
    return folder, TaskManager(include_path=str(folder))


@pytest.mark.parametrize("which", ["the model that ships", "ln-free-gpt2 of a run"])
def test_every_accuracy_is_ours(tasks, finished, shipped, normless, tmp_path, which):
    folder = shipped if which == "the model that ships" else finished / "ln-free-gpt2"
    files, manager = tasks
    theirs = lm_eval.simple_evaluate(
        model=HFLM(
            pretrained=AutoModelForCausalLM.from_pretrained(folder).float(),
            tokenizer=AutoTokenizer.from_pretrained(folder),
            device="cpu",
            batch_size=16,
        ),
        tasks=["hellaswag_here", "lambada_here"],
        task_manager=manager,
        bootstrap_iters=0,
        log_samples=True,
    )

    out = tmp_path / "eval.json"
    read = ["--hellaswag", files / "hellaswag.jsonl", "--lambada", files / "lambada.jsonl"]
    how = ["--scoring", "harness", "--data", shipped / "val.bin.gz", "--tokens", "1000", "--json", out]
    normless("eval", "--model", folder, *read, *how)
    ours = json.loads(out.read_text())
    (hellaswag,), (lambada,) = ours["hellaswag"], ours["lambada"]

    results = theirs["results"]["hellaswag_here"]
    assert results["sample_len"] == ITEMS
    assert hellaswag["acc"]["value"] == results["acc,none"]
    assert hellaswag["accNorm"]["value"] == results["acc_norm,none"]
    assert 0.2 < results["acc,none"] < results["acc_norm,none"] < 0.9  # it is no coin that was tossed
    # And each ending by itself.
    samples = sorted(theirs["samples"]["hellaswag_here"], key=lambda sample: sample["doc_id"])
    likelihoods = [likelihood for sample in samples for likelihood, _ in sample["filtered_resps"]]
    assert [-ending["nats"] for ending in hellaswag["endings"]] == pytest.approx(likelihoods, rel=1e-5)

    results = theirs["results"]["lambada_here"]
    assert results["sample_len"] == ITEMS
    assert lambada["accuracy"]["value"] == results["acc,none"]
    assert 0.05 < results["acc,none"] < 0.9
    # Printed digits would differ where a figure lies at the edge of two of them.
    assert lambada["perplexity"]["value"] == pytest.approx(results["perplexity,none"], rel=5e-6)
