from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import nnapprox

from .conftest import hat

KEYS = ["path", "depth", "widths", "neurons", "nonzeros", "parameters", "max_weight", "dtype", "activation"]


def test_json_has_the_totals_the_layers_and_the_metadata(cli):
    shown = json.loads(cli("show", "network.npz", "--json").out)
    assert list(shown) == [*KEYS, "layers", "metadata"]
    assert (shown["depth"], shown["widths"], shown["neurons"], shown["dtype"]) == (2, [64, 20, 10], 20, "float32")
    assert (shown["parameters"], shown["nonzeros"]) == (64 * 20 + 20 + 20 * 10 + 10, 64 * 20 + 20 * 10)
    assert [layer["parameters"] for layer in shown["layers"]] == [64 * 20 + 20, 20 * 10 + 10]
    assert max(layer["max_weight"] for layer in shown["layers"]) == shown["max_weight"]
    assert shown["metadata"] == {"seed": 7, "dataset": {"name": "digits"}}


def test_rationals_and_slopes_are_exact(cli):
    nnapprox.save(nnapprox.Network(hat().astype("rational").layers, nnapprox.Activation("leaky-relu", "1/7")), "a.npz")
    shown = json.loads(cli("show", "a.npz", "--json").out)
    assert (shown["max_weight"], shown["slope"], shown["activation"]) == ("4", "1/7", "leaky-relu")


def test_the_table_has_a_line_a_layer(cli):
    result = cli("show", "hat.npz")
    assert (result.status, result.err) == (0, "")
    rows = [line.split() for line in result.out.splitlines()]
    assert ["0", "1", "2", "3", "4", "1"] in rows
    assert ["1", "2", "1", "2", "3", "4"] in rows
    assert ["activation", "relu"] in rows
    assert "\x1b" not in result.out


def test_metadata_cannot_speak_to_the_terminal(cli):
    nnapprox.save(hat(), "a.npz", {"command": "\x1b]0;owned\x07"})
    assert r"\x1b]0;owned\x07" in cli("show", "a.npz").out


def test_the_newest_network_file_is_taken_and_named(cli):
    result = cli("show", "--json")
    assert json.loads(result.out)["path"] == "network.npz"
    assert result.err == "nnapprox: note: taking the newest network file here, network.npz\n"
    os.utime("hat.npz", (1_800_000_000,) * 2)
    for other in ("run.checkpoint.npz", ".hidden.npz", "notes.txt"):
        Path(other).write_bytes(b"")
        os.utime(other, (1_900_000_000,) * 2)
    Path("folder.npz").mkdir()
    assert json.loads(cli("show", "--json").out)["path"] == "hat.npz"


def test_a_folder_without_network_files(cli, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert "run nnapprox train, or name a file" in cli("show").failed(2)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"no archive"])
def test_what_is_no_network_is_refused(cli, content):
    Path("bad.npz").write_bytes(content)
    assert "bad.npz" in cli("show", "bad.npz").failed(1)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_plot(cli, suffix):
    result = cli("show", "network.npz", "--plot", f"weights.{suffix}")
    assert (result.status, result.err) == (0, f"nnapprox: note: wrote weights.{suffix}\n")
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert Path(f"weights.{suffix}").read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"dataset": {"image_shape": [4, 16]}}, (4, 16)),
        ({"dataset": {"image_shape": [-4, -16]}}, None),
        ({"dataset": {"image_shape": [4, 4]}}, None),
        ({"dataset": {"image_shape": ["4", 16]}}, None),
        ({"dataset": {"image_shape": 64}}, None),
        ({"dataset": "digits"}, None),
        ({}, None),
    ],
)
def test_images_have_the_shape_that_the_file_tells_where_it_fits(cli, monkeypatch, metadata, expected):
    from nnapprox import plots

    shapes = []
    monkeypatch.setattr(plots, "first_layer", lambda network, shape: shapes.append(shape))
    monkeypatch.setattr(plots, "save", lambda figure, path: None)
    nnapprox.save(nnapprox.Network([nnapprox.Affine(np.ones((2, 64)), np.ones(2))]), "a.npz", metadata)
    assert cli("show", "a.npz", "--plot", "a.png").status == 0
    assert shapes == [expected]


@pytest.mark.parametrize("path", ["weights.gif", "weights", "nowhere/a.png", "folder.png", "points.csv/a.png"])
def test_a_plot_that_cannot_be_written_is_refused(cli, path):
    Path("folder.png").mkdir()
    assert path in cli("show", "hat.npz", "--plot", path).failed(2)
