"""How a run begins and ends, whatever the command."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from nnapprox import __version__
from nnapprox.cli import COMMANDS, ExitStatus, group
from nnapprox.errors import DivergedError, UsageError

from .conftest import COMMAND

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither these signals nor these descriptors")


def examples() -> list[str]:
    """Those of the group itself; test_commands.py has those of the commands."""
    text = group.get_help(click.Context(group))
    return re.findall(r"^\s*\$ (nnapprox .*)$", text, re.MULTILINE)


def fail_with(monkeypatch, error):
    """Make the command `show` fail."""

    def callback(**_):
        raise error

    monkeypatch.setattr(import_module("nnapprox.cli.show").command, "callback", callback)


@pytest.mark.parametrize("line", examples())
def test_examples_in_the_help_work(shell, line):
    result = shell(*shlex.split(line)[1:])
    assert result.status == 0, result.err
    assert result.out


def test_help_lists_every_command(shell):
    plain = shell()
    assert plain == shell("--help") == shell("-h")
    assert (plain.status, plain.err) == (0, "")
    for name, line in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", plain.out, re.MULTILINE)


def test_version(cli):
    assert cli("--version") == (0, f"nnapprox {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["shwo"], "did you mean show?"),
        (["qqq"], "choose one of train"),
        (["show", "--jsno"], "--json"),
        (["--versoin"], "--version"),
        (["convert", "hat.npz", "b.npz", "--dtype", "float23"], "did you mean float32?"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(cli, arguments, near):
    assert near in cli(*arguments).failed(2)


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (DivergedError("it diverged"), 1, "it diverged"),
        (UsageError("the width is 0"), 2, "the width is 0"),
        (FileNotFoundError(2, "No such file", "a.npz"), 1, "a.npz: No such file"),
        (OSError("no text but this"), 1, "no text but this"),
        (MemoryError(), 1, "there is not enough memory for that"),
        (click.UsageError("Two\nlines."), 2, "two lines"),
        (DivergedError("\x1b[31mred"), 1, r"\x1b[31mred"),
        (ZeroDivisionError("oops"), 1, "ZeroDivisionError: oops (this is a defect of nnapprox: "),
    ],
)
def test_an_error_is_one_line_and_a_status(cli, monkeypatch, error, status, line):
    fail_with(monkeypatch, error)
    assert cli("show").failed(status).startswith(f"nnapprox: error: {line}")


def test_debug_adds_the_traceback_and_keeps_the_status(cli, monkeypatch):
    fail_with(monkeypatch, UsageError("the width is 0"))
    result = cli("--debug", "show")
    assert result.status == 2
    assert "Traceback (most recent call last)" in result.err
    assert result.err.endswith("nnapprox: error: the width is 0\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupted_command_says_so(cli, monkeypatch, error):
    fail_with(monkeypatch, error)
    result = cli("show")
    assert result.status == ExitStatus.INTERRUPTED == 130
    assert result.err.splitlines()[-1] == "nnapprox: interrupted"


def test_a_status_that_a_command_chooses_is_kept(cli, monkeypatch):
    fail_with(monkeypatch, click.exceptions.Exit(1))
    assert cli("show").status == 1


@posix
def test_ctrl_c_ends_a_command_that_waits(environment, folder):
    with subprocess.Popen(
        [*COMMAND, "eval", "--points", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    ) as process:  # fmt: skip
        process.stderr.readline()  # the note on the network file: the command is under way
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.split("\n")[-2]) == (130, "", "nnapprox: interrupted")
    assert "Traceback" not in err


@posix
def test_a_reader_that_has_enough_hears_no_complaint(environment, folder):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*COMMAND, "show"], stdout=write, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(write)
    assert (done.returncode, b"note" in done.stderr, b"rror" in done.stderr) == (1, True, False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_behind_stdout_is_an_error(shell):
    with open("/dev/full", "w") as full:
        assert "space" in shell("show", "hat.npz", stdout=full).failed(1)


@posix
def test_streams_that_are_closed_are_no_error(environment, folder):
    line = f"{shlex.join(COMMAND)} show >&- 2>&-"
    assert subprocess.run(line, shell=True, env=environment, check=False).returncode == 0


def test_an_encoding_that_lacks_a_letter_is_no_error(shell, folder):
    Path("hat.npz").rename("т.npz")
    result = shell("show", "т.npz", PYTHONIOENCODING="latin-1")
    assert result.status == 0
    assert r"\u0442.npz" in result.out


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("nnapprox sh", ["show"]),
        ("nnapprox show h", ["hat.npz"]),
        ("nnapprox show ", ["exact.npz", "hat.npz", "network.npz"]),
        ("nnapprox convert hat.npz ex", ["exact.npz"]),
        ("nnapprox show sub/", ["sub/inner.npz"]),
        ("nnapprox show nowhere/", []),
        ("nnapprox convert hat.npz b.npz --dtype r", ["rational"]),
    ],
)
def test_completion(shell, folder, words, values):
    Path("sub").mkdir()
    for name in ("sub/inner.npz", ".hidden.npz", "run.checkpoint.npz"):
        Path(name).write_bytes(Path("hat.npz").read_bytes())
    given = words.split(" ")
    result = shell(_NNAPPROX_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(given) - 1))
    offered = [line.removeprefix("plain,") for line in result.out.splitlines() if line.startswith("plain,")]
    assert (result.status, result.err) == (0, "")
    assert [value.replace(os.sep, "/") for value in offered] == values


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_the_shell_code_for_completion(shell, name):
    result = shell(_NNAPPROX_COMPLETE=f"{name}_source")
    assert result.status == 0
    assert f"_NNAPPROX_COMPLETE={name}_complete" in result.out
