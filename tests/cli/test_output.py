"""What is printed, on terminals and elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from fractions import Fraction
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox.cli import output

from .conftest import COMMAND

terminal = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals in the standard library")

WORK = """
import time
from nnapprox.cli import output
with output.progress(quiet={quiet}) as report:
    for step in range(30):
        time.sleep(0.01)
        report(step / 30, f"epoch [red]{{step}}")
    output.note("half way")
print("done")
"""


def on_a_terminal(arguments: list[str], environment: dict[str, str], **variables: str) -> str:
    import pty

    leader, follower = pty.openpty()
    with subprocess.Popen(
        arguments, stdin=follower, stdout=follower, stderr=follower,
        env={**environment, "TERM": "xterm", "COLUMNS": "100", **variables},
    ) as process:  # fmt: skip
        os.close(follower)
        shown = b""
        try:
            while part := os.read(leader, 4096):
                shown += part
        except OSError:  # how Linux says that the other side has closed
            pass
        os.close(leader)
    assert process.returncode == 0, shown
    return shown.decode()


def test_json_takes_numpy_and_rationals(capsys):
    value = {
        "fraction": Fraction(1, 3),
        "whole": Fraction(4, 2),
        "scalars": (np.float32(0.5), np.int64(3), np.bool_(True)),
        "array": np.array([[1.0, np.nan], [np.inf, -np.inf]]),
        "rationals": np.array([Fraction(1, 2), Fraction(3)]),
        "path": Path("a.npz"),
        5: None,
    }
    output.print_json(value)
    assert json.loads(capsys.readouterr().out) == {
        "fraction": "1/3",
        "whole": "2",
        "scalars": [0.5, 3, True],
        "array": [[1.0, None], [None, None]],
        "rationals": ["1/2", "3"],
        "path": "a.npz",
        "5": None,
    }


@given(
    st.recursive(
        st.floats() | st.fractions() | st.text() | st.none(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_json_is_json_whatever_comes(value):
    with redirect_stdout(StringIO()) as printed:
        output.print_json({"value": value})
    json.loads(printed.getvalue(), parse_constant=pytest.fail)  # NaN and Infinity are no JSON


@given(st.fractions())
def test_rationals_are_written_as_python_reads_them(value):
    assert output.rational_text(value) == str(value)


def test_rationals_of_many_digits():
    digits = 20_000
    assert output.rational_text(Fraction(10**digits + 1, 10**digits)) == f"1{'0' * (digits - 1)}1/1{'0' * digits}"


@given(st.text())
def test_printable_text_has_no_control_characters(text):
    assert output.printable(text).isprintable()
    assert output.printable(text) == text or not text.isprintable()


def test_tables_and_pairs_are_aligned(capsys):
    output.print_table(["n", "value"], [[1, 0.123456789], [100, Fraction(1, 3)], [7, Fraction(10**40, 3)]])
    output.print_pairs({"a": "x", "longer": [1, 2]})
    assert capsys.readouterr().out.splitlines() == [
        "  n         value",
        "  1      0.123457",
        "100           1/3",
        "  7  ~3.33333e+39",
        "a       x",
        "longer  [1, 2]",
    ]


def test_progress_away_from_a_terminal_is_a_line_now_and_then(capsys, monkeypatch):
    now = 0.0
    monkeypatch.setattr(output.time, "monotonic", lambda: now)
    with output.progress(quiet=False) as report:
        for _ in range(200):
            now += 0.125
            report(now / 25, f"at {now:.1f}\x1b")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [rf"nnapprox: {20 * k}% at {5 * k}.0\x1b" for k in range(1, 6)]


def test_quiet_progress_shows_nothing(capsys):
    with output.progress(quiet=True) as report:
        report(0.5, "half")
    assert capsys.readouterr() == ("", "")


@terminal
def test_progress_on_a_terminal_is_a_bar_that_goes_away(environment):
    shown = on_a_terminal([sys.executable, "-c", WORK.format(quiet=False)], environment)
    assert "epoch [red]" in shown
    assert "nnapprox: note: half way" in shown
    assert shown.count("epoch") < 10  # redrawn ten times a second, not at every report
    assert shown.rstrip().endswith("done")


@terminal
@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_plain_terminals_get_plain_text(environment, folder, variables):
    assert "\x1b" not in on_a_terminal([sys.executable, "-c", WORK.format(quiet=False)], environment, **variables)
    plain = on_a_terminal([*COMMAND, "show", "hat.npz"], environment, **variables)
    piped = subprocess.run([*COMMAND, "show", "hat.npz"], env=environment, capture_output=True, text=True, check=True)
    assert plain.replace("\r\n", "\n") == piped.stdout


@terminal
def test_terminals_get_rich_tables(environment, folder):
    shown = on_a_terminal([*COMMAND, "show", "hat.npz"], environment)
    assert "\x1b[1m" in shown
    assert "max weight" in shown


def test_json_is_the_only_thing_on_stdout(shell):
    result = shell("show", "--json", FORCE_COLOR="1")
    assert json.loads(result.out)["path"] == "network.npz"
    assert result.err.startswith("nnapprox: note: ")


CERTIFICATE = {"norm": "sup", "domain": [["0", "1"]], "kind": "exact", "value": "1/1024", "argmax": ["1/32"]}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "sup error 1/1024 on [0, 1], exact, at 1/32"),
        ({"kind": "bound", "argmax": None}, "sup error at most 1/1024 on [0, 1], bound"),
        (
            {"kind": "enclosure", "value": ["1/3", "2/3"]},
            "sup error 0.3333333 to 0.6666667 on [0, 1], enclosure, at 1/32",
        ),
        ({"domain": [["-1", "1"]] * 100, "argmax": ["0"] * 100}, "sup error 1/1024 on [-1, 1]^100, exact"),
        ({"domain": [["-1", "1"], ["0", "1"]]}, "sup error 1/1024 on [-1, 1] x [0, 1], exact, at 1/32"),
        ({"value": f"1/{10**40}"}, "sup error ~1e-40 on [0, 1], exact, at 1/32"),
    ],
)
def test_certificates_in_words(changes, text):
    assert output.certificate_text({**CERTIFICATE, **changes}) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (16384, "16,384"), (2**60, "about 1.15e+18")])
def test_counts(number, text):
    assert output.count_text(number) == text
