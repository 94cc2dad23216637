"""Help costs next to nothing."""

import subprocess
import sys

import pytest

HEAVY = {"numpy", "rich", "scipy", "matplotlib", "pooch", "importlib.metadata"}


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["eval", "-h"], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    code = f"""
import sys
from nnapprox.cli import run
status = run({arguments!r})
print(status.value, *sorted(set(sys.modules) & {HEAVY!r}), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "0"
    assert done.stdout


def test_the_package_imports_no_numpy():
    code = "import sys, nnapprox; assert 'numpy' not in sys.modules; assert 'Network' in dir(nnapprox)"
    subprocess.run([sys.executable, "-c", code], check=True)
