"""The theorem's code: strings that are read back, files that cannot be fooled, errors that are exact."""

from __future__ import annotations

import zlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnapprox
from nnapprox import Activation, Affine, Network
from nnapprox.certificate import certify
from nnapprox.constructions import build
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.files.grid import read_string
from nnapprox.files.grid_code import GridCode, delta, lossless_bits
from nnapprox.functions import parse
from nnapprox.quantization.grid import Yardstick, a_priori_bound, round_to_grid, store
from nnapprox.quantization.propagation import certify_by_propagation
from tests.strategies import networks

UNIT = ((Fraction(0), Fraction(1)),)
BITS = st.integers(0, 12)


def dyadic_networks(**kinds):
    return networks(numbers=st.integers(-(2**40), 2**40).map(lambda n: Fraction(n, 2**20)), **kinds)


@given(st.lists(st.integers(1, 2**70), min_size=1))
def test_delta_code_is_the_one_of_elias(numbers):
    assert [delta(n) for n in (1, 2, 3, 4, 8)] == ["1", "0100", "0101", "01100", "00100000"]
    assert len({delta(n) for n in numbers}) == len(set(numbers))


@given(networks(), BITS)
def test_every_weight_is_rounded_half_to_even(network, k):
    rounded = round_to_grid(network, k)
    assert rounded.dtype == network.dtype
    for ours, theirs in zip(rounded.layers, network.layers, strict=True):
        for new, old in zip([*ours.weight.flat, *ours.bias], [*theirs.weight.flat, *theirs.bias], strict=True):
            exact = Fraction(*old.as_integer_ratio())
            assert Fraction(*new.as_integer_ratio()) == Fraction(round(exact * 2**k), 2**k)


@given(networks(), BITS)
def test_strings_are_read_back(network, k):
    code = GridCode.of(network, k)
    assert GridCode.from_bits(code.to_bits()) == code


@given(dyadic_networks())
def test_files_hold_dyadic_networks_without_loss(tmp_path_factory, network):
    path = tmp_path_factory.mktemp("grid") / "a.nng"
    nnapprox.save(network, path, {"a": [1, "b"]})
    back = nnapprox.files.read(path)
    assert back.network == network
    assert back.metadata == {"a": [1, "b"]}


def test_other_rationals_are_refused_and_write_nothing(tmp_path):
    with pytest.raises(UsageError, match="quantize --grid"):
        nnapprox.save(Network([Affine([[Fraction(1, 3)]], [0])]), tmp_path / "a.nng")
    assert not list(tmp_path.iterdir())


def test_cut_and_flipped_files_are_refused(tmp_path):
    path = tmp_path / "a.nng"
    nnapprox.save(build("square", depth=3).network, path)
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place])
        with pytest.raises(FileFormatError):
            nnapprox.load(path)
        path.write_bytes(bytes([*content[:place], content[place] ^ 1 << place % 8, *content[place + 1 :]]))
        with pytest.raises(FileFormatError):
            nnapprox.load(path)


@pytest.mark.parametrize("seed", range(40))
def test_strings_of_nonsense_are_refused_or_read(seed):
    rng = np.random.default_rng(seed)
    good = GridCode.of(build("square", depth=3).network, 5).to_bits()
    for _ in range(100):
        bits = list(good) if rng.random() < 0.7 else list(rng.choice(["0", "1"], rng.integers(1, 400)))
        for place in rng.integers(0, len(bits), rng.integers(1, 4)):
            bits[place] = "10"[int(bits[place])]
        text = "".join(bits)
        try:
            code = GridCode.from_bits(text)
        except FileFormatError:
            continue
        assert code.to_bits() == text


def test_a_small_string_cannot_ask_for_much_memory():
    bits = "".join(map(delta, [1, 2**30, 2**30, 1, 1, 1]))
    with pytest.raises(FileFormatError, match="too many"):
        GridCode.from_bits(bits)
    bits = "".join(map(delta, [1, 1, 1, 2**60, 2, 2])) + delta(2) + "0" + "0" + "1"
    with pytest.raises(FileFormatError, match="too"):
        GridCode.from_bits(bits)


def test_a_sealed_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "a.nng"
    nnapprox.save(build("hat").network, path)
    body = path.read_bytes()[:-4].replace(b'"relu"', b'"ruel"')
    path.write_bytes(body + zlib.crc32(body).to_bytes(4, "little"))
    with pytest.raises(FileFormatError, match="unknown activation"):
        nnapprox.load(path)


def test_the_square_is_lossless_at_seven_bits_and_not_monotone(tmp_path):
    network = build("square", depth=4).network
    assert lossless_bits(network) == 7
    yardstick = Yardstick(network, UNIT, parse("x^2"))
    curve = list(yardstick.curve(range(4, 9), tmp_path / "a.nng"))
    assert [point.stored.lossless for point in curve] == [False, False, False, True, True]
    errors = [point.target_certificate.value for point in curve]
    assert errors[1:] == [Fraction(1, 256), Fraction(1, 128), Fraction(1, 1024), Fraction(1, 1024)]
    assert all(point.certificate.kind == "exact" for point in curve)
    assert yardstick.coarsest(Fraction(1, 256), tmp_path / "a.nng").stored.fractional_bits == 5


def test_the_constant_stays_bounded_over_the_squares(tmp_path):
    for depth in range(2, 13):
        network = build("square", depth=depth).network
        stored = store(network, lossless_bits(network), tmp_path / "a.nng")
        assert stored.lossless
        assert stored.bits == len(read_string(tmp_path / "a.nng")[1])
        assert 4 < stored.constant < 6


@given(networks(activations=("relu", "leaky-relu", "identity"), dtypes=("rational",), inputs=st.just(1)), BITS)
def test_bounds_hold_where_the_distance_is_known(network, k):
    domain = ((Fraction(-2), Fraction(3)),)
    rounded = round_to_grid(network, k)
    found = certify(rounded, network, domain).upper
    assert found <= a_priori_bound(network, k, domain)
    bound = certify_by_propagation(rounded, network, domain)
    assert bound is None or found <= bound.upper


@given(networks(dtypes=("float32", "float64")), BITS)
def test_propagated_bounds_hold_at_points(network, k):
    domain = ((Fraction(-1), Fraction(1)),) * network.widths[0]
    rounded = round_to_grid(network, k)
    points = np.random.default_rng(0).uniform(-1, 1, (50, network.widths[0]))
    distance = np.abs(rounded.astype("float64")(points) - network.astype("float64")(points)).max()
    bound = float(certify_by_propagation(rounded, network, domain).upper)
    assert distance <= bound + 1e-10 * (1 + float(a_priori_bound(network, 0, domain)))


def test_an_activation_without_a_lipschitz_constant_has_no_bound():
    network = Network([Affine([[1.5]], [0.25]), Affine([[1.0]], [0.0])], Activation("universal"))
    assert certify_by_propagation(round_to_grid(network, 0), network, UNIT) is None
    assert a_priori_bound(network, 0, UNIT) is None
