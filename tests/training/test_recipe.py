import numpy as np
import pytest

from nnapprox.training import Recipe


@pytest.mark.parametrize(("hidden", "deviation"), [((20, 20), 0.7 / 28), ((300, 100), 600 / (784 * 300))])
def test_large_first_layers_start_from_smaller_weights(hidden, deviation):
    weights, biases = Recipe(hidden=hidden).first_weights((784, *hidden, 10))
    assert weights[0].std() == pytest.approx(deviation, rel=0.05)
    assert weights[1].std() == pytest.approx(0.7 / np.sqrt(hidden[0]), rel=0.1)
    assert not any(bias.any() for bias in biases)


@pytest.mark.parametrize(
    ("hidden", "given", "centred"), [((199,), None, True), ((200,), None, False), ((), None, True)]
)
def test_inputs_of_wide_networks_are_not_centred_unless_asked(hidden, given, centred):
    assert Recipe(hidden=hidden, centre=given).centre is centred
    assert Recipe(hidden=hidden, centre=not centred).centre is not centred
