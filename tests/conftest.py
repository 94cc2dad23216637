import pytest

from nnapprox import _kernels
from nnapprox.dense import INSTRUCTION_SETS


@pytest.fixture(params=INSTRUCTION_SETS[: _kernels.best() + 1])
def instruction_set(request, monkeypatch):
    """Every instruction set that this machine has, in turn."""
    monkeypatch.setenv("NNAPPROX_ISA", request.param)
    return request.param
