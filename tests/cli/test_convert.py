from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import nnapprox
from nnapprox import files


def test_metadata_go_along(cli):
    result = cli("convert", "network.npz", "copy.npz", "--dtype", "float64")
    assert (result.status, result.err) == (0, "")
    assert result.out == f"copy.npz: {Path('copy.npz').stat().st_size:,} bytes\n"
    copy, original = files.read("copy.npz"), files.read("network.npz")
    assert copy.metadata == original.metadata
    assert copy.network == original.network.astype("float64")


@pytest.mark.parametrize("dtype", ["float32", "float64", "rational"])
def test_json_tells_what_was_written(cli, dtype):
    told = json.loads(cli("convert", "hat.npz", "b.npz", "--dtype", dtype, "--json").out)
    assert (told["source"], told["network"]["path"], told["network"]["dtype"]) == ("hat.npz", "b.npz", dtype)
    assert told["bytes"] == Path("b.npz").stat().st_size
    assert nnapprox.load("b.npz") == nnapprox.load("hat.npz").astype(dtype)


def test_there_and_back_is_the_same_file(cli):
    before = Path("network.npz").read_bytes()
    assert cli("convert", "network.npz", "exact.npz", "--dtype", "rational").status == 0
    assert cli("convert", "exact.npz", "network.npz", "--dtype", "float32").status == 0
    assert Path("network.npz").read_bytes() == before


def test_onto_itself(cli):
    assert cli("convert", "hat.npz", "hat.npz", "--dtype", "rational").status == 0
    assert nnapprox.load("hat.npz") == nnapprox.load("exact.npz")


@pytest.mark.parametrize("suffix", sorted({*files.FORMATS} - {".nnq"}))
def test_every_format_holds_a_float_network(cli, suffix):
    assert cli("convert", "network.npz", f"b{suffix}").status == 0
    assert np.array_equal(nnapprox.load(f"b{suffix}").layers[0].weight, nnapprox.load("network.npz").layers[0].weight)


def test_rounding_is_left_to_quantize(cli):
    result = cli("convert", "network.npz", "b.nnq")
    assert (result.status, result.out) == (2, "")
    assert "nnapprox quantize" in result.err
    assert not Path("b.nnq").exists()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["hat.npz"], 2),
        (["hat.npz", "b.xyz"], 2),
        (["nowhere.npz", "b.npz"], 1),
        (["hat.npz", "nowhere/b.npz"], 1),
        (["hat.npz", "folder.npz"], 1),
        (["points.csv", "b.npz"], 2),
        (["bad.npz", "b.npz"], 1),
        (["huge.npz", "b.npz", "--dtype", "float32"], 2),
    ],
)
def test_what_fails_writes_nothing(cli, folder, arguments, status):
    nnapprox.save(nnapprox.Network([nnapprox.Affine([[1e300]], [0.0])]), "huge.npz")
    Path("bad.npz").write_bytes(Path("hat.npz").read_bytes()[:-40])
    Path("folder.npz").mkdir()
    before = sorted(folder.rglob("*"))
    cli("convert", *arguments).failed(status)
    assert sorted(folder.rglob("*")) == before
