"""``nnapprox construct``: what it lists, prints, writes and refuses. What the constructions are is tested with them."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from fractions import Fraction
from pathlib import Path

import pytest

import nnapprox
from nnapprox import files
from nnapprox.cli.construct import default_name
from nnapprox.constructions import catalogue

KEYS = {
    "construction", "parameters", "network", "certificate", "activation_regions", "linear_regions", "theorem",
}  # fmt: skip


def test_alone_it_lists_the_catalogue_with_a_line_each(cli):
    result = cli("construct")
    assert (result.status, result.err) == (0, "")
    assert result == cli("construct", "--help")
    for name, entry in catalogue().items():
        assert re.search(rf"^  {name} +{re.escape(entry.summary)}$", result.out, re.MULTILINE)


def test_json(cli):
    result = cli("construct", "sawtooth", "--depth", 5, "--json")
    told = json.loads(result.out)
    assert (result.status, result.err) == (0, "")
    assert told.keys() >= KEYS
    assert told["parameters"]["depth"] == 5
    assert told["network"] == {
        "path": "sawtooth-depth-5.npz",
        "depth": 7,
        "widths": [1, 2, 2, 2, 2, 2, 1, 1],
        "neurons": 11,
        "nonzeros": 26,
        "parameters": 33,
        "max_weight": "4",
        "dtype": "rational",
        "activation": "relu",
    }
    assert told["certificate"].keys() == {"norm", "domain", "kind", "value", "argmax", "source"}
    assert (told["certificate"]["kind"], told["certificate"]["value"]) == ("exact", "0")
    assert (told["activation_regions"], told["linear_regions"]) == (32, 32)
    assert cli("eval", "sawtooth-depth-5.npz", "--at", "1/3").out == "2/3\n"


def test_words(cli):
    shown = dict(
        re.split("  +", line, maxsplit=1) for line in cli("construct", "square", "--depth", 4).out.splitlines()
    )
    assert shown["construction"] == "square --depth 4"
    assert (shown["depth L"], shown["nonzeros M"], shown["max weight B"]) == ("5", "29", "4")
    assert shown["pieces"] == "16 linear, 16 by activation, of at most 192"
    assert shown["certificate"] == "sup error 1/1024 on [0, 1], exact, at 1/32"
    assert shown["theorem"].startswith("1/1024: sup |f_m - x^2| = 4^-(m+1); Yarotsky (2017)")
    assert (shown["certificate / theorem"], shown["written"]) == ("1", "square-depth-4.npz")


def test_long_values_are_shown_without_their_middle(cli):
    shown = cli("construct", "max", "--dim", 300).out
    assert max(map(len, shown.splitlines())) < 250
    assert "max(x1, x2, " in shown
    assert "x299, x300)" in shown
    assert len(json.loads(cli("construct", "max", "--dim", 300, "--json").out)["target"]) > 1000


def test_the_file_keeps_what_was_proved(cli):
    cli("construct", "square", "--eps", "1/1000", "-o", "x.npz")
    kept = files.read("x.npz").metadata
    assert (kept["command"], kept["construction"], kept["target"]) == ("construct", "square", "x^2")
    assert kept["options"] == {"depth": None, "eps": "1/1000", "domain": "0,1", "centred": False}
    assert kept["certificate"]["value"] == "1/1024"
    assert kept["theorem"]["bound"] == "1/1024"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("hat", "hat.npz"),
        ("sawtooth --depth 5", "sawtooth-depth-5.npz"),
        ("sawtooth --depth 5 --shallow", "sawtooth-depth-5-shallow.npz"),
        ("hat --no-outer", "hat-no-outer.npz"),
        ("square --eps 1/1000 --domain=-3,3", "square-eps-1_1000-domain--3,3.npz"),
        ("cpwl --points 0:1,1/4:-2,1:1/2", "cpwl-points-0=1,1_4=-2,1=1_2.npz"),
    ],
)
def test_default_names(cli, words, name):
    assert cli("construct", *words.split()).status == 0
    assert Path(name).is_file()


def test_default_names_of_expressions_and_of_long_lists_differ_where_they_do():
    names = [
        default_name(words)
        for words in (["a", "--f", "sin(x)"], ["a", "--f", "sin[x]"], ["a", "b" * 99], ["a", "b" * 98])
    ]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9.,_=+~-]{1,80}\.npz", name) for name in names)


def test_latex(cli):
    result = cli("construct", "hat", "--latex")
    matrix = r"\begin{pmatrix} %s \end{pmatrix}"
    numbers = [(r"1 \\ 1", r"0 \\ -\tfrac{1}{2}"), ("2 & -4", "0"), ("1", "0")]
    lines = [
        f"  A_{{{k}}} &= {matrix % weight}, & b_{{{k}}} &= {matrix % bias}"
        for k, (weight, bias) in enumerate(numbers, start=1)
    ]
    assert result.out == "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}\n"
    assert Path("hat.npz").is_file()


def test_norms(cli):
    cli("construct", "sawtooth", "--depth", 3, "-o", "a.npz")
    told = json.loads(cli("construct", "square", "--depth", 1, "--norm", "L2", "--json").out)
    assert told["certificate"]["norm"] == "L2"
    assert "by its structure" in cli("construct", "takagi", "--terms", 3, "--norm", "L1").failed(2)


def test_tolerance(cli):
    told = json.loads(cli("construct", "exp", "--degree", 3, "--square-depth", 3, "--tolerance", "1e-12", "--json").out)
    low, high = map(Fraction, told["certificate"]["value"])
    assert 0 <= high - low <= high * Fraction(1, 10**12)
    assert "0 is not above 0" in cli("construct", "hat", "--tolerance", "0").failed(2)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".onnx"])
def test_floats_that_are_exact(cli, suffix):
    result = cli("construct", "square", "--depth", 6, "-o", f"a{suffix}", "--dtype", "float32")
    assert "none: every weight is a float32" in result.out
    assert nnapprox.load(f"a{suffix}").dtype == "float32"
    assert cli("check", f"a{suffix}").status == 0


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".onnx"])
def test_floats_that_are_rounded(cli, suffix):
    told = json.loads(
        cli("construct", "square", "--depth", 3, "--domain=0,3", "-o", f"a{suffix}", "--dtype", "float64", "--json").out
    )
    rounding = told["rounding"]
    assert 0 < Fraction(rounding["largest"]) < Fraction(1, 2**53)
    assert rounding["certificate"]["kind"] == "exact"
    assert rounding["certificate"]["value"] != told["certificate"]["value"]
    assert files.read(f"a{suffix}").metadata["certificate"] == rounding["certificate"]
    assert cli("check", f"a{suffix}").status == 0
    assert "rounding" in cli("construct", "square", "--depth", 3, "--domain=0,3", "--dtype", "float32").out


def test_a_structural_certificate_does_not_survive_rounding(cli):
    told = json.loads(
        cli("construct", "takagi", "--terms", 3, "--ratio", "1/3", "-o", "a.npz", "--dtype", "float32", "--json").out
    )
    assert told["rounding"]["certificate"] is None
    assert "certificate" not in files.read("a.npz").metadata
    assert "holds no certificate" in cli("check", "a.npz").failed(1)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
@pytest.mark.parametrize("words", ["sawtooth --depth 3", "takagi --terms 3", "product --depth 1"])
def test_plot(cli, words, suffix):
    result = cli("construct", *words.split(), "--plot", f"picture.{suffix}")
    assert (result.status, result.err) == (0, "")
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert Path(f"picture.{suffix}").read_bytes().startswith(start)


def completions(shell, words):
    given = shlex.split(words) + ([""] if words.endswith(" ") else [])
    result = shell(_NNAPPROX_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(given) - 1))
    return [line.partition(",")[2] for line in result.out.splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("nnapprox construct saw", ["sawtooth"]),
        ("nnapprox construct sawtooth --dep", ["--depth"]),
        ("nnapprox construct sawtooth --form c", ["composed"]),
    ],
)
def test_completion(shell, words, expected):
    assert completions(shell, words) == expected


def test_all_names_are_completed(shell):
    assert completions(shell, "nnapprox construct ") == list(catalogue())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sawtoth --depth 5", "no construction is called 'sawtoth': did you mean sawtooth?"),
        ("sawtooth --dpeth 5", "--depth"),
        ("sawtooth", "sawtooth needs --depth, as in sawtooth --depth 5"),
        ("sawtooth --depth 5 --json --latex", "choose one"),
        ("sawtooth --depth 5 -o nowhere/a.npz", "cannot write nowhere/a.npz: its folder is not there"),
        ("sawtooth --depth 5 -o a.txt", "a.txt has no suffix of a network format"),
        ("sawtooth --depth 5 -o a.onnx --dtype rational", "ONNX holds no rationals"),
        ("sawtooth --depth 5 --plot a.gif", "a.gif must end in"),
        ("sawtooth --depth 5 --norm L3", "'L3': choose one of sup, L1, L2"),
        ("sawtooth --depth 1e400", "at most"),
        ("sawtooth --depth 1/0", "'1/0' is not a number"),
        ("product --depth 2 --plot nowhere/a.png", "its folder is not there"),
        ("multi-product --factors 3 --depth 2 --plot a.png", "leave --plot out"),
    ],
)
def test_what_is_refused_writes_nothing(cli, words, message):
    before = sorted(Path().iterdir())
    assert message in cli("construct", *shlex.split(words)).failed(2)
    assert sorted(Path().iterdir()) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written(cli):
    Path("closed").mkdir(mode=0o500)
    assert "closed" in cli("construct", "hat", "-o", "closed/a.npz").failed(2)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no device is always full")
def test_a_full_disk(cli):
    assert "/dev/full" in cli("construct", "hat", "-o", "/dev/full").failed(2)


def test_a_large_network_is_quick_to_refuse(cli):
    assert "needs more memory" in cli("construct", "sawtooth", "--depth", "9" * 30).failed(2)


def test_public_names():
    made = nnapprox.build("sawtooth", depth=2)
    assert (made.network([Fraction(1, 3)])[0], made.certificate.value) == (Fraction(2, 3), 0)
    assert isinstance(made, nnapprox.Construction)
    assert nnapprox.certify(made.network, nnapprox.parse("tri(4*x)"), made.certificate.domain).value == 0
