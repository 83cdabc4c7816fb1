"""Stock PyTorch: its own samples for the ops that ours are named after, and corner cases beside them, come out of our
functions as out of its own, forward and gradient, on every engine. test/peers/op-db runs ours; what is left out is in its
left-out.ts, with the reason."""

import json
from collections import Counter

import pytest
from conftest import ROOT, call
from op_db_samples import write_samples

HERE = ROOT / "test/peers/op-db"


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """The folder of all samples with what PyTorch makes of them."""
    folder = tmp_path_factory.mktemp("op-db")
    write_samples(folder)
    return folder


@pytest.fixture(scope="module")
def script():
    """The script that runs ours, made of the packages' sources."""
    call([ROOT / "node_modules/.bin/tsup", "--silent"], cwd=HERE)
    return HERE / "dist/main.mjs"


def test_samples_come_out_as_in_pytorch(samples, script, engine, capsys):
    report = json.loads(call(["node", script, samples, engine]).stdout)
    lines = report["ops"].values()
    failed = {op: line["failed"] for op, line in report["ops"].items() if line["failed"]}
    assert not failed, json.dumps(failed, indent=1)
    # A reason that is no sample's any more has to go.
    assert report["unused"] == []
    assert report["onHost"] == []
    count, passed = (sum(line[key] for line in lines) for key in ("samples", "passed"))
    with capsys.disabled():
        print(f"\n{engine}: {passed} of {count} samples of {len(lines)} ops and variants pass; left out are")
        for why, times in sum((Counter(line["leftOut"]) for line in lines), Counter()).items():
            print(f"  {times:3} as {why}")
    corners = sum(line["samples"] for op, line in report["ops"].items() if op.endswith(".corners"))
    assert passed - corners >= 1100
