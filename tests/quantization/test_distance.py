import math

import numpy as np
import pytest

from nnapprox import Affine, Network
from nnapprox.quantization.distance import relative_error, sup_error

POINTS = np.array([[1.0], [2.0]])


def line(slope, bias=0.0, dtype="float64"):
    return Network([Affine(np.array([[slope]], dtype), np.array([bias], dtype))])


def test_it_is_relative_to_the_original():
    assert relative_error(line(1.5), line(2.0)(POINTS), POINTS) == 0.25
    assert sup_error(line(1.5), line(2.0)(POINTS), POINTS) == 1.0


@pytest.mark.parametrize(("bias", "error"), [(0.0, 0.0), (1e-30, math.inf)])
def test_nothing_but_itself_is_near_a_network_that_is_zero(bias, error):
    assert relative_error(line(0.0, bias), np.zeros((2, 1)), POINTS) == error


def test_it_is_that_of_the_weights_and_not_of_the_arithmetic():
    network = line(1 / 3, 0.1, "float32")
    assert relative_error(network, network.astype("float64")(POINTS), POINTS) == 0
