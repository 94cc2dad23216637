"""``nnapprox check``: certificates that hold, that do not, and that nobody can read."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import nnapprox
from nnapprox import Affine, Network, files


def changed(path, network=None, **metadata):
    """Write the file anew with other metadata, or another network."""
    stored = files.read(path)
    nnapprox.save(network or stored.network, path, {**stored.metadata, **metadata})


@pytest.fixture
def square(cli):
    assert cli("construct", "square", "--depth", 3, "-o", "square.npz").status == 0
    return files.read("square.npz")


def test_a_certificate_that_holds(cli, square):
    told = json.loads(cli("check", "square.npz", "--json").out)
    assert told["path"] == "square.npz"
    assert told["claimed"] == told["found"] == square.metadata["certificate"]
    assert told["holds"] is True
    shown = cli("check", "square.npz").out
    assert shown.count("sup error 1/256 on [0, 1], exact, at 1/16") == 2
    assert "holds    yes" in shown


def test_the_newest_file_is_checked_where_none_is_named(cli, square):
    result = cli("check")
    assert (result.status, result.err) == (0, "nnapprox: note: taking the newest network file here, square.npz\n")


@pytest.mark.parametrize("place", range(4))
def test_every_changed_weight_is_seen(cli, square, place):
    layers = list(square.network.layers)
    weight = layers[place].weight.copy()
    weight[0, 0] += Fraction(1, 10**9)
    layers[place] = Affine(weight, layers[place].bias)
    changed("square.npz", Network(layers))
    result = cli("check", "square.npz", "--json")
    assert (result.status, result.err) == (1, "nnapprox: error: the certificate of square.npz does not hold\n")
    assert json.loads(result.out)["holds"] is False


@pytest.mark.parametrize(("value", "status"), [("1/256", 0), ("1/257", 1), ("1/255", 1)])
def test_a_changed_value(cli, square, value, status):
    changed("square.npz", certificate={**square.metadata["certificate"], "value": value})
    assert cli("check", "square.npz").status == status


@pytest.mark.parametrize(("value", "status"), [("1/256", 0), ("1/257", 1), ("1/2", 0)])
def test_a_bound_may_be_larger(cli, square, value, status):
    changed("square.npz", certificate={**square.metadata["certificate"], "value": value, "kind": "bound"})
    assert cli("check", "square.npz").status == status


def test_a_larger_domain_is_certified_on_its_own(cli, square):
    changed("square.npz", certificate={**square.metadata["certificate"], "domain": [["0", "2"]]})
    assert cli("check", "square.npz").status == 1


def test_a_sampled_value_is_no_certificate(cli, square):
    changed("square.npz", certificate={**square.metadata["certificate"], "kind": "sampled"})
    assert "sampled" in cli("check", "square.npz").failed(1)


def test_enclosures_hold_at_any_tolerance(cli):
    cli("construct", "exp", "--degree", 3, "--square-depth", 3, "-o", "exp.npz")
    for tolerance in ("1e-12", "1/2"):
        assert cli("check", "exp.npz", "--tolerance", tolerance).status == 0


def test_structural_certificates_are_built_anew(cli):
    cli("construct", "sawtooth", "--depth", 60, "-o", "deep.npz")
    assert cli("check", "deep.npz").status == 0
    *layers, last = files.read("deep.npz").network.layers
    changed("deep.npz", Network([*layers, Affine(last.weight * 2, last.bias)]))
    assert "is not the one that construct sawtooth builds" in cli("check", "deep.npz").err


def test_a_rounded_copy_fails_where_its_numbers_do(cli):
    cli("construct", "square", "--depth", 3, "--domain=0,3", "-o", "third.npz")
    assert cli("check", "third.npz").status == 0
    cli("convert", "third.npz", "rounded.npz", "--dtype", "float32")
    assert cli("check", "rounded.npz").status == 1
    cli("construct", "square", "--depth", 3, "-o", "dyadic.npz")
    cli("convert", "dyadic.npz", "rounded.npz", "--dtype", "float32")
    assert cli("check", "rounded.npz").status == 0


CERTIFICATE = {"norm": "sup", "domain": [["0", "1"]], "kind": "exact", "value": "1/256", "argmax": None, "source": ""}


@pytest.mark.parametrize(
    "metadata",
    [
        {"certificate": None},
        {"certificate": []},
        {"certificate": {}},
        {"certificate": {**CERTIFICATE, "value": "nan"}},
        {"certificate": {**CERTIFICATE, "value": []}},
        {"certificate": {**CERTIFICATE, "value": ["0", "1", "2"]}},
        {"certificate": {**CERTIFICATE, "value": {"a": 1}}},
        {"certificate": {**CERTIFICATE, "norm": "L3"}},
        {"certificate": {**CERTIFICATE, "domain": [["0"]]}},
        {"certificate": {**CERTIFICATE, "domain": "0,1"}},
        {"certificate": {**CERTIFICATE, "domain": [["1", "0"]]}},
        {"certificate": {**CERTIFICATE, "domain": [["0", "1"], ["0", "1"]]}},
        {"target": None},
        {"target": "x^"},
        {"target": "1/x"},
        {"target": "y*z"},
        {"tolerance": "0"},
        {"tolerance": []},
    ],
)
def test_what_cannot_be_read_is_refused(cli, square, metadata):
    changed("square.npz", **metadata)
    assert cli("check", "square.npz").failed(1)


@pytest.mark.parametrize(
    "metadata",
    [
        {"construction": "squre"},
        {"construction": 3},
        {"options": []},
        {"options": {"depth": -1}},
        {"options": {"a": 1}},
    ],
)
def test_constructions_that_are_none(cli, metadata):
    cli("construct", "takagi", "--terms", 3, "-o", "takagi.npz")
    changed("takagi.npz", **metadata)
    assert cli("check", "takagi.npz").failed(1)


@pytest.mark.parametrize("name", ["hat.npz", "network.npz", "gone.npz"])
def test_files_without_certificates(cli, name):
    assert name in cli("check", name).failed(1) or "no certificate" in cli("check", name).err


def test_numpys_own_files(cli):
    np.savez("plain.npz", W0=[[1.0]], b0=[0.0])
    assert "holds no certificate" in cli("check", "plain.npz").failed(1)
    assert Path("plain.npz").is_file()
