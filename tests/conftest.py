import signal

import pytest
from hypothesis import HealthCheck, settings

from nnapprox import _kernels
from nnapprox.dense import INSTRUCTION_SETS

# Machines differ in speed; what a property says does not.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("steady"), max_examples=5000)
settings.load_profile("steady")

# Background jobs ignore Ctrl-C, and so would the commands that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=INSTRUCTION_SETS[: _kernels.best() + 1])
def instruction_set(request, monkeypatch):
    """Every instruction set that this machine has, in turn."""
    monkeypatch.setenv("NNAPPROX_ISA", request.param)
    return request.param
