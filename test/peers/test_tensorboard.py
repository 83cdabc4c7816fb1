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
    how = ["--recipe", "adaptive", "--validation-tokens", "2048", "--tensorboard", "--out", out]
    normless("remove", *RECIPE, *how)
    return out


def read(folder):
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    accumulator.Reload()
    return accumulator


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def expected_scalars(run):
    """By phase and tag: the steps and values, from metrics.jsonl, which the README says is the same."""
    scalars = defaultdict(list)
    texts = defaultdict(list)
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
            scalars[phase, "removal"].append((step, 1))
        elif kind == "eval":
            step = event.get("step", step)
            tag = f"validation_loss/{event['model']}" if "model" in event else "validation_loss"
            scalars[phase, tag].append((step, event["loss"]))
        elif kind == "stds":
            for module, classes in event["stds"].items():
                for name, std in classes.items():
                    scalars[phase, f"std_{event['model']}/{module}/{name}"].append((step, std))
        elif kind == "rollback":
            step = event["step"]
            texts[phase, "rollback"].append((step, f"{', '.join(event['removed'])}: {event['why']}"))
    return scalars, texts


def test_every_scalar_its_step_and_value(run):
    expected, texts = expected_scalars(run)
    assert {tag for _, tag in expected} >= {"loss", "removal", "validation_loss/original"}
    read_again = {}
    for folder in (run / "tensorboard").iterdir():
        accumulator = read(folder)
        for tag in accumulator.Tags()["scalars"]:
            read_again[folder.name, tag] = [(event.step, event.value) for event in accumulator.Scalars(tag)]
    constants = {key: value for key, value in read_again.items() if key[1].startswith("frozen_std/")}
    assert set(read_again) - set(constants) == set(expected)
    for key, points in expected.items():
        assert read_again[key] == [(step, float32(value)) for step, value in points], key

    removals = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    frozen = [event["std"] for event in removals if event["type"] == "removal" and event.get("std")]
    written = sorted(value for points in constants.values() for _, value in points)
    assert written == sorted(float32(std) for classes in frozen for std in classes.values())


def test_every_line_of_text(run):
    """When each norm went, in the order of metrics.jsonl."""
    events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [event["step"] for event in events if event["type"] == "removal"]
    assert len(steps) > 10
    accumulator = read(run / "tensorboard/removal")
    lines = [(event.step, event.tensor_proto.string_val[0].decode()) for event in accumulator.Tensors("removal")]
    assert [step for step, _ in lines] == steps
    assert all(line for _, line in lines)


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
