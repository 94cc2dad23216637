"""What holds for every construction of the catalogue, from its example: adding one adds it here."""

from __future__ import annotations

import json
import shlex
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

import nnapprox
from nnapprox import constructions, files
from nnapprox.cli import run
from nnapprox.constructions import Construction, catalogue
from nnapprox.constructions.construction import GROUPS

from .conftest import Written, evaluate, write

NAMES = list(catalogue())
SHARED = {"norm", "tolerance", "out", "output", "dtype", "plot", "latex", "as_json", "json", "help"}
POINTS = 100_000


class Example(NamedTuple):
    written: Written
    made: Construction


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """The example of a construction as the command writes it and as the library builds it; made once."""
    made = {}

    def example(name: str) -> Example:
        if name not in made:
            entry = catalogue()[name]
            written = write(tmp_path_factory.mktemp(name), f"{name} {entry.example}")
            made[name] = Example(written, constructions.build(name, **written.told["parameters"]))
        return made[name]

    return example


def outputs_of(target, points):
    """Of an expression or a network, in floating point, shape (m, N_L)."""
    if isinstance(target, nnapprox.Network):
        return target.astype("float64")(points)
    return target.value(points)[:, None]


@pytest.mark.parametrize("name", NAMES)
def test_documentation(name):
    entry = catalogue()[name]
    assert entry.summary.endswith(".")
    assert len(entry.summary) <= 110, "one line of the catalogue"
    assert entry.description.endswith(".")
    assert entry.source
    assert entry.group in GROUPS
    for parameter in entry.parameters:
        assert parameter.option.help.endswith(".")
        assert parameter.name.strip("_") not in SHARED


@pytest.mark.parametrize("name", NAMES)
def test_help_shows_formula_source_and_example(name, capfd):
    entry = catalogue()[name]
    assert run(["construct", name, "-h"]) == 0
    shown = " ".join(capfd.readouterr().out.split())
    assert " ".join(entry.description.split()) in shown
    assert " ".join(entry.source.split()) in shown
    assert f"$ {shlex.join(['nnapprox', 'construct', name, *shlex.split(entry.example)])}" in shown
    assert all(parameter.flag in shown for parameter in entry.parameters)


@pytest.mark.parametrize("name", NAMES)
def test_sizes_are_those_of_the_file(name, examples):
    written, made = examples(name)
    network, told = written.network, written.told["network"]
    assert network == made.network
    assert told["depth"] == len(network.layers)
    assert told["widths"] == [network.layers[0].weight.shape[1], *(len(layer.bias) for layer in network.layers)]
    numbers = [n for layer in network.layers for n in (*layer.weight.flat, *layer.bias.flat)]
    assert (told["parameters"], told["nonzeros"]) == (len(numbers), sum(n != 0 for n in numbers))
    assert Fraction(told["max_weight"]) == max(abs(n) for n in numbers)
    assert written.told["exact_bits"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_library_takes_values_as_the_command_takes_text(name, examples):
    written, made = examples(name)
    again = constructions.build(name, **made.options)
    assert (again.network, again.certificate) == (made.network, made.certificate)
    assert files.read(written.path).metadata == json.loads(json.dumps(made.metadata(), default=str))


@pytest.mark.parametrize("name", NAMES)
def test_the_certificate_is_computed_anew_from_the_file(name, examples, capfd):
    assert run(["check", str(examples(name).written.path), "--json"]) == 0
    checked = json.loads(capfd.readouterr().out)
    assert checked["holds"] is True
    assert checked["claimed"]["value"] == checked["found"]["value"]


@pytest.mark.parametrize("name", NAMES)
def test_the_certificate_of_a_changed_network_does_not_hold(name, examples, tmp_path, capfd):
    written, made = examples(name)
    *layers, last = made.network.layers
    changed = nnapprox.Network([*layers, nnapprox.Affine(last.weight, last.bias + 1)], made.network.activation)
    nnapprox.save(changed, tmp_path / "changed.npz", files.read(written.path).metadata)
    assert run(["check", str(tmp_path / "changed.npz")]) == 1
    assert capfd.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("name", NAMES)
def test_no_random_point_is_worse_than_the_certificate(name, examples):
    made = examples(name).made
    certificate, d = made.certificate, made.network.widths[0]
    if made.target is None:
        pytest.skip("its target is no expression: the tests of the family compare it")
    low, high = (np.array(ends, dtype=float) for ends in zip(*certificate.domain, strict=True))
    points = low + (high - low) * np.random.default_rng(0).random((POINTS, d))
    error = np.abs(outputs_of(made.network, points) - outputs_of(made.target, points)).max(axis=1)
    slack = 1e-9 * (1 + np.abs(outputs_of(made.target, points)).max())
    if certificate.norm == "sup":
        assert error.max() <= certificate.upper + slack
    else:
        power = 1 if certificate.norm == "L1" else 2
        samples = error**power * np.prod(high - low)
        deviation = 6 * samples.std() / POINTS**0.5
        assert samples.mean() - deviation <= float(certificate.upper) ** power + slack
        if certificate.kind in {"exact", "enclosure"}:
            assert samples.mean() + deviation >= float(certificate.lower) ** power - slack


@pytest.mark.parametrize("name", NAMES)
def test_what_is_exact_is_reached_at_its_argmax(name, examples):
    made = examples(name).made
    certificate = made.certificate
    if certificate.kind != "exact" or certificate.argmax is None or made.target is None:
        pytest.skip("nothing is said to be reached, or the tests of the family look at it")
    values = evaluate(made.network, list(certificate.argmax))
    if isinstance(made.target, nnapprox.Network):
        wanted = evaluate(made.target, list(certificate.argmax))
    else:
        wanted = [made.target.at(certificate.argmax)]
    assert max(abs(a - b) for a, b in zip(values, wanted, strict=True)) == certificate.value


@pytest.mark.parametrize("name", NAMES)
def test_theorems_hold(name, examples):
    made = examples(name).made
    if made.theorem is not None and made.theorem.bound is not None and made.certificate.kind != "bound":
        assert made.certificate.upper <= made.theorem.bound * (1 + Fraction(1, 10**6))


@pytest.mark.parametrize("suffix", ["npz", "safetensors", "onnx"])
@pytest.mark.parametrize("name", NAMES)
def test_dyadic_networks_survive_every_format(name, suffix, examples, tmp_path, capfd):
    network = examples(name).made.network
    numbers = [n for layer in network.layers for n in (*layer.weight.flat, *layer.bias.flat)]
    fits = all(Fraction(float(n)) == n for n in numbers)
    path = tmp_path / f"network.{suffix}"
    status = run(
        ["construct", name, *shlex.split(catalogue()[name].example), "--dtype", "float64", "-o", str(path), "--json"]
    )
    if network.activation.name not in {"relu", "leaky-relu", "identity", "sigmoid", "tanh"}:
        return  # what holds for activations of their own is tested with them
    told = json.loads(capfd.readouterr().out)
    assert status == 0
    assert ("rounding" in told) == (not fits)
    assert (nnapprox.load(path).astype("rational") == network.astype("rational")) == fits
    if fits:
        assert run(["check", str(path)]) == 0
    if suffix == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        low, high = zip(*examples(name).made.certificate.domain, strict=True)
        points = [[a + (b - a) * Fraction(k, 64) for a, b in zip(low, high, strict=True)] for k in (0, 5, 40, 64)]
        got = session.run(None, {session.get_inputs()[0].name: np.array(points, dtype=np.float64)})[0]
        assert np.allclose(got, network.astype("float64")(np.array(points, dtype=np.float64)), rtol=1e-12, atol=1e-12)
