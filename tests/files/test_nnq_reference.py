"""docs/format-nnq.md is complete: who reads files by that page alone reads the same bits."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox import Activation, load, load_dataset
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.files import nnq
from nnapprox.quantization.calibration import of_dataset
from nnapprox.quantization.encoder import Quantizer
from nnapprox.training import train
from tests.files import nnq_reference
from tests.files.nnq_reference import Refused
from tests.files.test_nnq import VERSION_2, VERSION_3
from tests.files.test_nnq_fuzz import one_file, seeds

PAGE = Path(__file__).parents[2] / "docs" / "format-nnq.md"
LARGEST = (1, 3, 40, 1000, 2**20, 2**21, 2**30)


def integer_map(rng, inputs, outputs, largest=5, zeros=0.0, decay=0.0, most_shift=1, exponent=-9):
    """`zeros` is the share of the entries that are 0, `decay` makes the others differ in size."""
    shape = (outputs, inputs + 1)
    sizes = rng.integers(-largest, largest + 1, size=shape) * np.exp(-decay * rng.exponential(size=shape))
    return nnq.IntegerLayer(
        (np.trunc(sizes) * (rng.random(shape) >= zeros)).astype(np.int32),
        rng.integers(-most_shift, most_shift + 1, size=outputs, dtype=np.int32),
        rng.integers(-most_shift, most_shift + 1, size=inputs + 1, dtype=np.int32),
        int(rng.integers(1, 2**16)),
        exponent,
    )


def encoded(
    widths, seed=0, activation="relu", dtype="float32", image=0, joints=(), metadata=None, trellis=False, **kinds
):
    rng = np.random.default_rng(seed)
    maps = [integer_map(rng, *pair, **kinds) for pair in itertools.pairwise(widths)]
    for each in maps:
        if trellis:
            each.integers[:] = nnq_reference.follow(each.integers // 2)
    slope = "-3/7" if activation == "leaky-relu" else None
    return nnq.Encoded(maps, Activation(activation, slope), dtype, image, rng.bytes(8), metadata or {}, joints, trellis)


def integers(told):
    return [
        (each.mantissa, each.exponent, each.rows.tolist(), each.columns.tolist(), each.integers.tolist())
        for each in told.maps
    ]


def numbers(again):
    return [(each.m, each.e, each.R, each.C, each.Q) for each in again.maps]


def assert_read_alike(content):
    """Every integer and every bit of the weights, as they are returned; or both refuse, and None."""
    try:
        told = nnq.from_bytes(content, most_weights=2000)
        layers = [np.column_stack([layer.weight, layer.bias]) for layer in told.network().layers]
    except (FileFormatError, UsageError):
        with pytest.raises(Refused):
            nnq_reference.read(content, most_weights=2000).layers()
        return None
    again = nnq_reference.read(content, most_weights=2000)
    assert numbers(again) == integers(told)
    assert (again.activation, again.slope) == (told.activation.name, told.activation.slope)
    assert (again.source, again.dtype, again.image) == (told.source, told.dtype, told.image)
    assert (tuple(again.joints), again.trellis, again.metadata) == (told.joints, told.trellis, told.metadata)
    for ours, theirs in zip(again.layers(), layers, strict=True):
        assert (ours.dtype, ours.shape, ours.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes())
    return again


def assert_read_as_written(told):
    again = assert_read_alike(nnq.to_bytes(told))
    assert again is not None
    assert numbers(again) == integers(told)


@st.composite
def networks(draw):
    widths = draw(st.lists(st.integers(1, 7), min_size=2, max_size=5))
    places, joints = draw(st.sets(st.integers(0, len(widths) - 3))) if len(widths) > 2 else set(), []
    for place in sorted(places):
        if place - 1 not in joints:
            joints.append(place)
    return encoded(
        widths,
        draw(st.integers(0, 2**32)),
        dtype=draw(st.sampled_from(["float32", "float64"])),
        image=draw(st.integers(0, widths[0])),
        joints=tuple(joints),
        trellis=draw(st.booleans()),
        largest=draw(st.sampled_from(LARGEST)),
        zeros=draw(st.sampled_from([0.0, 0.5, 0.9])),
        decay=draw(st.sampled_from([0.0, 1.0, 5.0])),
        most_shift=draw(st.sampled_from([0, 1, 5, 30])),
    )


@settings(max_examples=50)
@given(networks())
def test_small_networks(told):
    again = assert_read_alike(nnq.to_bytes(told))
    assert again is None or numbers(again) == integers(told)


@pytest.mark.parametrize("activation", nnq_reference.KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_activation_and_number(activation, dtype):
    assert_read_as_written(encoded((4, 3, 2), 1, activation, dtype, metadata={"dataset": {"name": "ä"}, "seed": 0}))


@pytest.mark.parametrize("image", [1, 2, 3, 5, 12, 35, 36])
@pytest.mark.parametrize("trellis", [False, True])
def test_images(image, trellis):
    assert_read_as_written(encoded((36, 5, 2), image, image=image, trellis=trellis, largest=60, decay=1.0, zeros=0.3))


@pytest.mark.parametrize("joints", [(0,), (1,), (2,), (0, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_thin_maps(joints, dtype):
    assert_read_as_written(encoded((9, 2, 7, 1, 6), 1, dtype=dtype, joints=joints, largest=300, most_shift=9))


@pytest.mark.parametrize("largest", [2**26, 2**27])
def test_products_that_doubles_hold_or_not(largest):
    told = encoded((2, 1, 2), joints=(0,), most_shift=0)
    told.maps[0].integers[:] = largest
    told.maps[1].integers[:] = -largest
    assert (assert_read_alike(nnq.to_bytes(told)) is not None) is (largest == 2**26)


@pytest.mark.parametrize("widths", [(1, 1), (1, 1, 1, 1), (1, 9), (9, 1)])
@pytest.mark.parametrize("value", [0, 1, -1, 2**30 - 1, 2**30, -(2**30)])
def test_one_neuron_and_one_value(widths, value):
    told = encoded(widths, dtype="float64")
    for each in told.maps:
        each.integers[:] = value
    assert_read_as_written(told)


def test_rows_of_zeros_between_huge_ones():
    told = encoded((6, 5, 4), largest=2**30, most_shift=4)
    told.maps[0].integers[1] = told.maps[0].integers[3] = 0
    told.maps[1].integers[:3] = 0
    assert_read_as_written(told)


@pytest.mark.parametrize("trellis", [False, True])
def test_ones_among_huge_integers_drive_taps_to_their_bounds(trellis):
    told = encoded((14, 20), dtype="float64", most_shift=0, trellis=trellis)
    integers = np.random.default_rng(0).choice([2**30, 1], size=(20, 15))
    told.maps[0].integers[:] = nnq_reference.follow(integers // 2) if trellis else integers
    assert_read_as_written(told)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("exponent", [-1100, -1050, -1000, -170, -140, 60, 900, 1100])
@pytest.mark.parametrize("joints", [(), (0,)])
def test_steps_at_the_ends_of_the_numbers(dtype, exponent, joints):
    told = encoded((3, 2, 3), 2, dtype=dtype, joints=joints, most_shift=64, exponent=exponent)
    assert_read_alike(nnq.to_bytes(told))


@pytest.mark.parametrize("trellis", [False, True])
def test_averages_of_many_rows_and_entries(trellis):
    assert_read_as_written(encoded((30, 40), 3, image=6, trellis=trellis, largest=30, decay=2.0, most_shift=3))


@pytest.mark.parametrize("content", [VERSION_2, VERSION_3])
def test_versions_before(content):
    assert assert_read_alike(bytes.fromhex(content)) is not None


def test_a_network_that_was_trained(tmp_path):
    data = load_dataset("digits")
    network = train(data, hidden=(12,), epochs=5)
    inputs = of_dataset(network, data)
    metadata = {"dataset": {"image_shape": [8, 8], "name": "digits"}, "recipe": {"loss": "squared"}}
    content = nnq.to_bytes(Quantizer(network, inputs.learnt, inputs.image, metadata).quantize(0.03).encoded)
    again = assert_read_alike(content)
    assert again is not None
    assert again.trellis
    assert (again.image, again.metadata) == (8, metadata)
    assert again.source == nnq_reference.fingerprint([np.column_stack([x.weight, x.bias]) for x in network.layers])
    (tmp_path / "digits.nnq").write_bytes(content)
    for layer, matrix in zip(load(tmp_path / "digits.nnq").layers, again.layers(), strict=True):
        assert np.array_equal(layer.weight, matrix[:, :-1])
        assert np.array_equal(layer.bias, matrix[:, -1])


def test_damaged_files_are_refused_or_read_by_both():
    rng = np.random.default_rng(5)
    bodies = seeds(rng)
    read = [assert_read_alike(one_file(rng, bodies)) is not None for _ in range(400)]
    assert 0 < sum(read) < len(read)


def test_the_dictionary_is_that_of_the_page():
    block = PAGE.read_text(encoding="utf-8").split("```\n")[1]
    assert block.replace("\n", "").encode() == nnq_reference.DICTIONARY == nnq._DICTIONARY
