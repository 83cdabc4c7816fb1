"""TensorBoard's own reader finds every scalar of a run, of its step and value, and every line of text."""

import json
import struct
import subprocess
import time
from collections import defaultdict

import pytest
from conftest import ROOT
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

RECIPE = ["--steps", "12", "--batch-size", "4", "--micro-batch-size", "4", "--block-size", "32"]


@pytest.fixture(scope="module")
def run(normless, tmp_path_factory):
    """A short run beside a control."""
    out = tmp_path_factory.mktemp("tensorboard") / "run"
    how = ["--recipe", "heimersheim-2024", "--validation-tokens", "2048", "--tensorboard", "--out", out]
    normless("remove", *RECIPE, *how)
    return out


def read(folder):
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    accumulator.Reload()
    return accumulator


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def what_went(removal):
    """A removal in words: a norm's site, or constants of its own that a norm had."""
    if removal["kind"] == "freeze":
        return removal["site"]
    assert removal["kind"] == "constant"
    return {"eot": "the end-of-text constant", "first": "the first-position constant"}[removal["positionClass"]]


def expected(run):
    """By phase and tag: steps and values, and steps and lines, from metrics.jsonl, which the README says is the same."""
    scalars, texts = defaultdict(list), defaultdict(list)
    phase, step = "validation", 0
    for line in (run / "metrics.jsonl").read_text().splitlines():
        event = json.loads(line)
        kind = event["type"]
        if kind == "step":
            phase, step = event["phase"], event["step"]
            for tag, field in [
                ("loss", "loss"),
                ("gradient_norm", "gradNorm"),
                ("learning_rate", "learningRate"),
                ("tokens_per_second", "tokensPerSecond"),
            ]:
                scalars[phase, tag].append((step, event[field]))
        elif kind == "removal":
            phase, step = "removal", event["step"]
            what = what_went(event["removal"])
            scalars[phase, "removal"].append((step, 1))
            texts[phase, "removal"].append((step, what))
            for name, std in event.get("std", {}).items():
                scalars[phase, f"frozen_std/{what}/{name}"].append((step, std))
        elif kind == "eval":
            step = event.get("step", step)
            tag = f"validation_loss/{event['model']}" if "model" in event else "validation_loss"
            scalars[phase, tag].append((step, event["loss"]))
        elif kind == "stds":
            for module, classes in event["stds"].items():
                for name, std in classes.items():
                    scalars[phase, f"std_{event['model']}/{module}/{name}"].append((step, std))
    return scalars, texts


def test_every_scalar_its_step_and_value(run):
    scalars, _ = expected(run)
    tags = {tag.split("/")[0] for _, tag in scalars}
    assert tags >= {"loss", "removal", "frozen_std", "std_original", "validation_loss"}
    found = {}
    for folder in (run / "tensorboard").iterdir():
        accumulator = read(folder)
        for tag in accumulator.Tags()["scalars"]:
            found[folder.name, tag] = [(event.step, event.value) for event in accumulator.Scalars(tag)]
    assert found == {key: [(step, float32(value)) for step, value in points] for key, points in scalars.items()}


def test_every_line_of_text(run):
    """When each norm went."""
    _, texts = expected(run)
    assert len(texts["removal", "removal"]) > 10
    found = {}
    for folder in (run / "tensorboard").iterdir():
        accumulator = read(folder)
        for tag in accumulator.Tags()["tensors"]:
            lines = [(event.step, event.tensor_proto.string_val[0].decode()) for event in accumulator.Tensors(tag)]
            found[folder.name, tag] = lines
    assert found == texts


def test_a_resumed_run_shows_each_step_once(normless, tmp_path):
    """Killed after its first checkpoint and gone on with: what came after the checkpoint is there twice in the files."""
    out = tmp_path / "run"
    how = ["--recipe", "distilled", "--validation-tokens", "512", "--checkpoint-every", "10", "--tensorboard"]
    command = ["node", ROOT / "apps/remove-layernorm/bin/normless.js", "remove", *RECIPE, *how, "--steps", 100, "--out", out]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not list(out.glob("checkpoints/step-*.msgpack")):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        process.kill()
    before = read(out / "tensorboard/removal").Scalars("loss")
    normless("remove", "--resume", out)
    losses = read(out / "tensorboard/removal").Scalars("loss")
    assert 10 <= len(before) < 100
    assert [event.step for event in losses] == list(range(1, 101))
    assert len(list((out / "tensorboard/removal").iterdir())) == 2
