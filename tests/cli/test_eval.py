from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import click
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnapprox
from nnapprox.cli.options import point, rational

from .conftest import hat


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (["exact.npz", "--at", "1/3"], "2/3\n"),
        (["exact.npz", "--at", "0.1", "--at", "1e-1", "--at", "1"], "1/5\n1/5\n0\n"),
        (["hat.npz", "--at", "1/3"], f"{2 / 3}\n"),
        (["hat.npz", "--at", "1/3", "--exact"], "2/3\n"),
        (["hat.npz", "--at", "-1/3"], "0.0\n"),
        (["hat.npz", "--points", "points.csv", "--exact"], "0\n2/3\n1\n"),
        (["hat.npz", "--points", "points.csv", "--at", "1/4", "--exact"], "1/2\n0\n2/3\n1\n"),
    ],
)
def test_values(cli, arguments, out):
    assert cli("eval", *arguments) == (0, out, "")


def test_json_of_one_point_is_flat_and_of_several_nested(cli):
    assert json.loads(cli("eval", "exact.npz", "--at", "1/3", "--json").out) == {
        "x": ["1/3"],
        "y": ["2/3"],
        "exact": True,
    }
    several = {"x": [["1/3"], ["1/4"]], "y": [["2/3"], ["1/2"]], "exact": True}
    assert json.loads(cli("eval", "exact.npz", "--at", "1/3", "--at", "0.25", "--json").out) == several
    Path("one.csv").write_text("0.25")
    one = {"x": [["1/4"]], "y": [[0.5]], "exact": False}
    assert json.loads(cli("eval", "hat.npz", "--points", "one.csv", "--json").out) == one


def test_points_from_stdin_compose(shell):
    first = shell("eval", "hat.npz", "--points", "-", "--exact", stdin="\ufeff1/3\r\n\r\n0.9\r\n")
    assert first.out == "2/3\n1/5\n"
    assert shell("eval", "exact.npz", "--points", "-", stdin=first.out).out == "2/3\n2/5\n"


@pytest.mark.parametrize(
    "array", [[0.25, 0.5], [[0.25], [0.5]], np.array([[0.25], [0.5]], ">f8"), np.float16([0.25, 0.5])]
)
def test_points_from_npy(cli, array):
    np.save("x.npy", array)
    assert cli("eval", "hat.npz", "--points", "x.npy").out == "0.5\n1.0\n"


def test_a_flat_npy_is_one_point_of_several_coordinates(cli):
    np.save("x.npy", np.zeros(64, np.uint8))
    assert cli("eval", "network.npz", "--points", "x.npy").out == "0.0" + ",0.0" * 9 + "\n"


def test_floats_are_lifted_exactly(cli):
    nnapprox.save(nnapprox.Network([nnapprox.Affine([[0.1]], [0.0])]), "a.npz")
    assert cli("eval", "a.npz", "--at", "1", "--exact").out == f"{Fraction(0.1)}\n"
    assert cli("eval", "a.npz", "--at", "1").out == "0.1\n"


def test_exact_values_can_have_more_digits_than_python_prints(cli):
    result = cli("eval", "exact.npz", "--at", "-1e-9999", "--at", "1e-9999", "--json")
    assert json.loads(result.out)["y"] == [["0"], ["1/5" + 9998 * "0"]]


def test_an_overflow_is_null_and_noted(cli):
    nnapprox.save(nnapprox.Network([nnapprox.Affine([[1e300]], [0.0])]), "a.npz")
    result = cli("eval", "a.npz", "--at", "1e300", "--json")
    assert (json.loads(result.out)["y"], result.err) == (
        [None],
        "nnapprox: note: a value overflows float64: --exact has it\n",
    )
    assert cli("eval", "a.npz", "--at", "1e300", "--exact").out == f"{int(1e300) * 10**300}\n"


def test_activations_without_exact_values_are_refused(cli):
    nnapprox.save(nnapprox.Network(hat().layers, "tanh"), "a.npz")
    assert cli("eval", "a.npz", "--at", "1").status == 0
    assert "tanh has no exact value" in cli("eval", "a.npz", "--at", "1", "--exact").failed(2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no point is given"),
        (["--at", "1,2"], "--at gives 2 coordinates, but the network takes 1"),
        (["--at", "nan"], "'nan' is not a number"),
        (["--at", "inf"], "'inf' is not a number"),
        (["--at", ""], "'' is not a number"),
        (["--at", "1/0"], "'1/0' is not a number"),
        (["--at", "1,"], "'' is not a number"),
        (["--at", "1e999999999"], "exponent of '1e999999999'"),
        (["--at", "1e400"], "too large for float64"),
        (["--at", 5000 * "9"], "99999..."),
    ],
)
def test_wrong_points_on_the_command_line(cli, arguments, message):
    assert message in cli("eval", "hat.npz", *arguments).failed(2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "points.csv holds no points"),
        (b"# only a header\n\n", "points.csv holds no points"),
        (b"0\n1,2\n", "points.csv, line 2: 2 coordinates, but the network takes 1"),
        (b"0\n\nnan\n", "points.csv, line 3: 'nan' is not a number"),
        (b"x\n0\n", "points.csv, line 1: 'x' is not a number"),
        (b"1e9999999", "points.csv, line 1: the exponent"),
        (b"\xff\xfe0", "points.csv is no text in UTF-8"),
        (b"0\x00", r"points.csv, line 1: '0\x00' is not a number"),
    ],
)
def test_wrong_points_in_a_csv_file(cli, content, message):
    Path("points.csv").write_bytes(content)
    assert message in cli("eval", "hat.npz", "--points", "points.csv").failed(1)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 1)), "x.npy"),
        (np.zeros((2, 2)), "x.npy has shape (2, 2), but the network takes points of shape (m, 1)"),
        (np.zeros((1, 1, 1)), "x.npy has shape (1, 1, 1)"),
        (np.array(1.0), "x.npy has shape ()"),
        (np.array([0, 1, np.nan]), "x.npy, row 3: a number is not finite"),
        (np.array([1j]), "x.npy must hold real numbers, not complex128"),
        (np.array(["a"]), "x.npy must hold real numbers"),
        (np.array([None]), "x.npy is damaged or no .npy file of numbers"),
    ],
)
def test_wrong_points_in_a_npy_file(cli, array, message):
    np.save("x.npy", array, allow_pickle=True)
    assert message in cli("eval", "hat.npz", "--points", "x.npy").failed(1)


def test_a_npy_file_that_promises_more_than_it_has_is_refused(cli):
    np.save("x.npy", np.zeros((1000, 1)))
    content = Path("x.npy").read_bytes()
    Path("x.npy").write_bytes(content.replace(b"(1000, 1), ", b"(9**15, 1),"))
    cli("eval", "hat.npz", "--points", "x.npy").failed(1)
    Path("x.npy").write_bytes(
        content.replace(b"(1000, 1), }    ", b"(10**15, 1), }  "[:16]).replace(b"10**15", b"999999")
    )
    cli("eval", "hat.npz", "--points", "x.npy").failed(1)


def test_a_damaged_npy_file_never_crashes(cli):
    np.save("x.npy", np.linspace(0, 1, 4).reshape(4, 1))
    whole = Path("x.npy").read_bytes()
    for position in range(0, len(whole) - 32):
        for damaged in (
            whole[:position],
            whole[:position] + bytes([whole[position] ^ 1 << position % 8]) + whole[position + 1 :],
        ):
            Path("x.npy").write_bytes(damaged)
            result = cli("eval", "hat.npz", "--points", "x.npy")
            assert result.status == 0 or result.failed(1)


@pytest.mark.parametrize("name", ["nowhere.csv", "nowhere.npy", "."])
def test_points_that_are_not_there(cli, name):
    cli("eval", "hat.npz", "--points", name).failed(1)


@given(st.fractions())
def test_rationals_are_read_exactly(value):
    assert rational(str(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=5))
def test_decimals_are_read_exactly(value):
    assert rational(str(value)) == Fraction(value)


@given(st.text())
def test_any_text_is_a_point_or_a_clear_error(text):
    try:
        coordinates = point(text)
    except click.BadParameter:
        return
    assert len(coordinates) == text.count(",") + 1
