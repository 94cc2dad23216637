"""Networks as C headers: compiled, they hold the same integers and give the same values."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest

from nnapprox import Activation
from nnapprox.errors import UsageError
from nnapprox.files.nnq import Encoded, IntegerLayer
from nnapprox.quantization.c_header import write_c_header
from tests.files.nnq_reference import follow

MAIN = r"""
#include <stdio.h>
#include "network.h"
static nnapprox_weights weights;
static nnapprox_scratch scratch;
int main(void)
{
    float x[NNAPPROX_INPUTS], y[NNAPPROX_OUTPUTS];
    nnapprox_decode(&weights, &scratch);
    for (size_t k = 0; k < sizeof weights.shifts; k++) printf("%d ", weights.shifts[k]);
    for (size_t k = 0; k < sizeof weights.integers / sizeof *weights.integers; k++)
        printf("%ld ", (long)weights.integers[k]);
    fprintf(stderr, "%zu %zu\n", sizeof weights, sizeof scratch);
    for (;;) {
        for (int i = 0; i < NNAPPROX_INPUTS; i++) if (scanf("%f", &x[i]) != 1) return 0;
        nnapprox_forward(&weights, x, y);
        for (int i = 0; i < NNAPPROX_OUTPUTS; i++) printf("%.9g ", y[i]);
    }
}
"""

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")


def random_network(seed, widths, activation, largest, image=0, joints=(), *, trellis=False):
    rng = np.random.default_rng(seed)
    layers = []
    for a, b in itertools.pairwise(widths):
        integers = np.rint(rng.standard_normal((b, a + 1)) * largest / 4).clip(-largest, largest).astype(np.int32)
        integers.flat[0] = largest
        if trellis:
            integers = follow(integers // 2)
        rows, columns = (rng.integers(-2, 3, size).astype(np.int32) for size in (b, a + 1))
        layers.append(IntegerLayer(integers, rows, columns, int(rng.integers(1, 2**16)), -22))
    return Encoded(layers, activation, "float32", image, joints=joints, trellis=trellis)


@needs_gcc
@pytest.mark.parametrize(
    ("widths", "activation", "largest", "image", "joints"),
    [
        ((1, 1), Activation("relu"), 3, 0, ()),
        ((64, 20, 10), Activation("relu"), 9, 8, ()),
        ((5, 7, 3, 2), Activation("leaky-relu", Fraction(1, 10)), 1000, 0, ()),
        ((3, 4, 1), Activation("tanh"), 127, 0, ()),
        ((3, 4, 1), Activation("sigmoid"), 100_000, 0, ()),
        ((64, 3, 20, 2, 10), Activation("relu"), 9, 8, (0, 2)),
        ((3, 2, 4, 3), Activation("tanh"), 127, 0, (0,)),
    ],
)
@pytest.mark.parametrize("trellis", [False, True])
def test_compiled_networks_are_the_same(tmp_path, widths, activation, largest, image, joints, trellis):
    encoded = random_network(0, widths, activation, largest, image, joints, trellis=trellis)
    footprint = write_c_header(encoded, tmp_path / "network.h", "A test */ of\na name.")
    (tmp_path / "main.c").write_text(MAIN)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-fsanitize=undefined,address"]
    subprocess.run(["gcc", *flags, "main.c", "-o", "main", "-lm"], cwd=tmp_path, check=True)
    x = np.random.default_rng(1).uniform(-1, 1, (20, widths[0])).astype("f4")
    text = " ".join(f"{value:.9g}" for value in x.flat)
    done = subprocess.run([tmp_path / "main"], input=text, capture_output=True, text=True, check=True)
    numbers = done.stdout.split()
    shifts = [int(v) for layer in encoded.maps for v in (*layer.rows, *layer.columns)]
    integers = [int(v) for layer in encoded.maps for v in layer.integers.flat]
    assert [int(v) for v in numbers[: len(shifts) + len(integers)]] == shifts + integers
    values = np.array(numbers[len(shifts) + len(integers) :], dtype="f8").reshape(20, -1)
    wanted = encoded.network().astype("float64")(x)
    assert np.allclose(values, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())
    sizes = [int(size) for size in done.stderr.split()]
    assert footprint.weights <= sizes[0] < footprint.weights + 4
    assert sizes[1] <= footprint.scratch < sizes[1] + 20_000


def test_other_activations_are_refused_and_write_nothing(tmp_path):
    with pytest.raises(UsageError, match="euaf"):
        write_c_header(random_network(0, (1, 2, 1), Activation("euaf"), 3), tmp_path / "a.h")
    assert not list(tmp_path.iterdir())
