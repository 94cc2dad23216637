"""Gabor atoms: what they are, what their interpolants err by, and that more of them err less."""

from __future__ import annotations

import numpy as np
import pytest

from nnapprox.constructions import build
from nnapprox.constructions.gabor_analysis import Wave, gabor_atoms
from nnapprox.errors import UsageError
from nnapprox.functions import parse

CHIRP = "exp(-20*(x-1/3)^2)*cos(30*x)"
X = (np.arange(20_000) + 0.5) / 20_000


@pytest.mark.parametrize("pieces", [16, 128])
@pytest.mark.parametrize(
    "wave", [Wave(0, 0, 0, False), Wave(1, 2, 3, True), Wave(3, 5, 15, False), Wave(2, 1, 1, True)]
)
def test_interpolants_of_atoms(wave, pieces):
    x, y = zip(*((float(x), float(y)) for x, y in wave.points(pieces, 53)), strict=True)
    assert 0 <= x[0] < x[-1] <= 1
    off = np.interp(X, x, y, left=0, right=0) - wave.sampled(X)
    error = np.sqrt(np.mean(off**2))
    assert error <= float(wave.error(pieces, 53))
    assert error >= float(wave.error(pieces, 53)) / 20 or wave.frequency == 15


def test_an_atom_is_found():
    """The function is one: level 1, in the middle, three half periods; its ends are 0."""
    _, (atom,), _ = gabor_atoms(parse("cos(pi*(2*x-1)/2)^2*cos(3*pi*(2*x-1))"), 1, 64)
    assert (atom.level, atom.points[0][0], atom.points[-1][0]) == (1, 0, 1)
    assert float(atom.coefficient) == pytest.approx(1, abs=1e-9)


def test_more_terms_err_less():
    coarse, fine = (build("dictionary", function=CHIRP, dictionary="gabor", terms=m) for m in (4, 16))
    assert fine.certificate.upper < coarse.certificate.upper / 8
    for made in (coarse, fine):
        difference = made.network.astype("float64")(X[:, None])[:, 0] - made.target.value(X[:, None])
        assert np.sqrt(np.mean(difference**2)) == pytest.approx(float(made.certificate.upper), rel=1e-4)
        assert made.notes["emulation error"] < made.certificate.upper / 4


def test_poles_are_refused():
    with pytest.raises(UsageError, match="division by 0"):
        build("dictionary", function="1/(x-1/3)", dictionary="gabor", terms=4)
