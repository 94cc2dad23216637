"""A data set for supervised learning: arrays that are checked once, then read-only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnapprox.errors import DatasetError

Array = NDArray[Any]
Notice = Callable[[str], None]

MAX_CLASSES = 1000
"""Labels are below this: a network has one output a class, so a stray huge label would make a huge network."""

MAX_BYTES = 2**31
"""The largest array that is read from a file."""

_TRAIN_KEYS = ("x_train", "y_train")
_TEST_KEYS = ("x_test", "y_test")

_HELD_OUT = 5
"""One sample in so many is held out where a data set comes without a test set."""

_SPLIT_SEED = 20_150_113
"""Entropy of the fixed permutation that draws the held-out samples."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test samples for classification or regression.

    The arrays are made read-only views, not copies.

    Parameters
    ----------
    name : str
        What it was loaded as: ``mnist``, ``digits`` or a path. Every error message starts with it.
    x_train, x_test : array, shape (n, d)
        uint8, and a network's input is ``x / divisor``; or float32 or float64 with divisor 1. Both of one dtype.
    y_train, y_test : array
        Labels 0..classes-1, int64 of shape (n,); or, for regression, targets of shape (n, k), float32 or float64.
    divisor : int
        At least 1.
    classes : int or None
        Number of classes, at least 2; None for regression.
    image_shape : tuple of int, optional
        (height, width) where each sample is an image of d = height * width pixels.
    known_fingerprint : str, optional
        The fingerprint, where it is known ahead.

    Raises
    ------
    DatasetError
        Shapes or dtypes do not fit together, there is no sample, a number is not finite, or a label is out of range.
    """

    name: str
    x_train: Array = field(repr=False)
    y_train: Array = field(repr=False)
    x_test: Array = field(repr=False)
    y_test: Array = field(repr=False)
    divisor: int
    classes: int | None
    image_shape: tuple[int, int] | None = None
    known_fingerprint: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for key in _TRAIN_KEYS + _TEST_KEYS:
            view = np.ascontiguousarray(getattr(self, key)).view()
            view.flags.writeable = False
            object.__setattr__(self, key, view)
        for part in ("train", "test"):
            self._check_part(part, getattr(self, f"x_{part}"), getattr(self, f"y_{part}"))
        for key in ("x", "y"):
            _check_alike(self.name, key, getattr(self, f"{key}_train"), getattr(self, f"{key}_test"))
        if self.classes is not None and self.classes < 2:
            self._refuse("every label is 0: classification needs at least two classes")
        if self.divisor < 1 or (self.divisor != 1 and self.x_train.dtype != np.uint8):
            self._refuse(f"{self.x_train.dtype} inputs cannot have the divisor {self.divisor}")
        if self.image_shape is not None and self.image_shape[0] * self.image_shape[1] != self.inputs:
            self._refuse(f"{self.inputs} inputs are not an image of shape {self.image_shape}")

    @classmethod
    def from_arrays(
        cls,
        name: str,
        arrays: Mapping[str, ArrayLike],
        *,
        divisor: int = 255,
        notice: Notice = lambda text: None,
    ) -> Dataset:
        """Make a data set of arrays in any of the usual shapes and dtypes.

        Parameters
        ----------
        name : str
            What error messages call it.
        arrays : mapping of str to array
            x_train and y_train, and both or none of x_test and y_test.

            x has shape (n,), (n, d) or (n, height, width); uint8, float32 and float64 are kept, float16 becomes
            float32, any other real number float64. y holds integers of shape (n,), which are labels 0..999, and
            the training labels say how many classes there are; or floats of shape (n,) or (n, k), which are the
            targets of a regression.
        divisor : int
            What uint8 inputs are divided by.
        notice : callable
            Takes one line that says so when, for want of a test set, a fifth of the samples is held out.

        Raises
        ------
        DatasetError
            An array is missing or is none of these, or they have counts, shapes or values that do not fit together.
        """
        has_test = any(key in arrays for key in _TEST_KEYS)
        for key in _TRAIN_KEYS + _TEST_KEYS * has_test:
            if key not in arrays:
                raise DatasetError(
                    f"{name} has no {key}: x_train and y_train are needed, x_test and y_test go together"
                )
        x, y = _inputs(name, "x_train", arrays["x_train"]), _outputs(name, "y_train", arrays["y_train"])
        image_shape = (x.shape[1], x.shape[2]) if x.ndim == 3 else None
        classes = int(y.max(initial=0)) + 1 if y.dtype == np.int64 else None
        if has_test:
            x_test, y_test = _inputs(name, "x_test", arrays["x_test"]), _outputs(name, "y_test", arrays["y_test"])
            _check_alike(name, "x", x, x_test)  # before images of different heights and widths become rows
        else:
            _check_counts(name, "train", x, y)
            train, test = _hold_out(name, len(x))
            notice(
                f"{name} has no test set: {len(test):,} of its {len(x):,} samples, the same every time, "
                "are held out for testing"
            )
            x, x_test, y, y_test = x[train], x[test], y[train], y[test]
        return cls(
            name=name,
            x_train=_flatten(x),
            y_train=y,
            x_test=_flatten(x_test),
            y_test=y_test,
            divisor=divisor if x.dtype == np.uint8 else 1,
            classes=classes,
            image_shape=image_shape,
        )

    @property
    def inputs(self) -> int:
        """Number of coordinates of a sample, d."""
        return int(self.x_train.shape[1])

    @property
    def outputs(self) -> int:
        """Number of outputs a network for it has: the classes, or the targets of a regression."""
        return int(self.y_train.shape[1]) if self.classes is None else self.classes

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the divisor and every array's dtype, shape and bytes: equal for equal data only."""
        if self.known_fingerprint is not None:
            return self.known_fingerprint
        sha256 = hashlib.sha256(f"divisor {self.divisor}".encode())
        for array in (self.x_train, self.y_train, self.x_test, self.y_test):
            little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
            sha256.update(f" {array.dtype.name} {array.shape} ".encode())
            sha256.update(little_endian.reshape(-1).view(np.uint8).data)
        return sha256.hexdigest()

    def describe(self) -> str:
        """Say in one line what it holds."""
        inputs = f"{self.inputs} inputs" if self.image_shape is None else "{}x{} images".format(*self.image_shape)
        outputs = f"regression on {self.outputs} targets" if self.classes is None else f"{self.classes} classes"
        return f"{self.name}: {len(self.x_train):,} training and {len(self.x_test):,} test samples, {inputs}, {outputs}"

    def _check_part(self, part: str, x: Array, y: Array) -> None:
        if x.ndim != 2 or x.dtype not in (np.uint8, np.float32, np.float64):
            self._refuse(f"x_{part} must be uint8, float32 or float64 of shape (n, d), not {x.dtype} of {x.shape}")
        _check_counts(self.name, part, x, y)
        if x.size == 0:
            self._refuse(f"x_{part} is empty: its shape is {x.shape}")
        self._check_finite(f"x_{part}", x)
        if self.classes is None:
            if y.ndim != 2 or y.shape[1] == 0 or y.dtype not in (np.float32, np.float64):
                self._refuse(f"y_{part} must be float32 or float64 targets of shape (n, k), not {y.dtype} of {y.shape}")
            self._check_finite(f"y_{part}", y)
        else:
            if y.ndim != 1 or y.dtype != np.int64:
                self._refuse(f"y_{part} must be int64 labels of shape (n,), not {y.dtype} of {y.shape}")
            for label in (y.min(), y.max()):
                if not 0 <= label < self.classes:
                    self._refuse(f"y_{part} holds the label {label}, but the classes are 0..{self.classes - 1}")

    def _check_finite(self, key: str, array: Array) -> None:
        if array.dtype == np.uint8:
            return
        finite = np.isfinite(array)
        if not finite.all():
            sample = int(np.argmin(finite.all(axis=1)))
            self._refuse(f"{key} holds a number that is not finite, first in sample {sample}")

    def _refuse(self, reason: str) -> None:
        raise DatasetError(f"{self.name}: {reason}")


def _inputs(name: str, key: str, values: ArrayLike) -> Array:
    """Bring inputs to a dtype that a `Dataset` takes; their shape stays, but for a column made of (n,)."""
    array = _real(name, key, values)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim not in (2, 3):
        raise DatasetError(f"{name}: {key} must have shape (n, d) or (n, height, width), not {array.shape}")
    return array if array.dtype == np.uint8 else _as_float(array)


def _outputs(name: str, key: str, values: ArrayLike) -> Array:
    """Bring integers to int64 labels of shape (n,), floats to targets of shape (n, k)."""
    array = _real(name, key, values)
    if array.dtype.kind == "f":
        if array.ndim not in (1, 2):
            raise DatasetError(f"{name}: targets {key} must have shape (n,) or (n, k), not {array.shape}")
        return _as_float(array.reshape(len(array), -1) if array.size else array[:, np.newaxis])
    if array.ndim != 1:
        raise DatasetError(f"{name}: integer labels {key} must have shape (n,), not {array.shape}")
    for label in (array.min(initial=0), array.max(initial=0)):
        if not 0 <= label < MAX_CLASSES:
            raise DatasetError(
                f"{name}: {key} holds the label {label}: labels are 0..{MAX_CLASSES - 1}, and the targets of a "
                "regression are floats"
            )
    return array.astype(np.int64)


def _real(name: str, key: str, values: ArrayLike) -> Array:
    try:
        array = np.asarray(values)
    except (ValueError, TypeError):
        raise DatasetError(f"{name}: {key} is not an array of numbers") from None
    if array.dtype.kind not in "buif":
        raise DatasetError(f"{name}: {key} must hold real numbers, not {array.dtype}")
    return array


def _as_float(array: Array) -> Array:
    """Round what is not float32 or float64 to the narrower of them that holds it."""
    narrow = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    with np.errstate(over="ignore"):  # what overflows is refused as not finite
        return array.astype(np.float32 if narrow else np.float64, copy=False)


def _flatten(x: Array) -> Array:
    """(n, height, width) to (n, d)."""
    return x.reshape(len(x), int(np.prod(x.shape[1:])))


def _check_counts(name: str, part: str, x: Array, y: Array) -> None:
    if len(x) != len(y):
        raise DatasetError(f"{name}: x_{part} has {len(x):,} samples, but y_{part} has {len(y):,}")


def _check_alike(name: str, key: str, train: Array, test: Array) -> None:
    if train.shape[1:] != test.shape[1:]:
        raise DatasetError(
            f"{name}: a sample of {key}_train has shape {train.shape[1:]}, but one of {key}_test {test.shape[1:]}"
        )
    if train.dtype != test.dtype:
        raise DatasetError(f"{name}: {key}_train is {train.dtype}, but {key}_test is {test.dtype}: make them the same")


def _hold_out(name: str, samples: int) -> tuple[Array, Array]:
    """Draw the indices of the samples to train on and of those to test on, each ascending.

    Raw bits and a stable sort: NumPy promises those for ever, which it does not for ``Generator.permutation``.
    """
    if samples < 2:
        raise DatasetError(f"{name}: {samples} samples without a test set: at least 2 are needed to hold one out")
    bits = np.random.PCG64(np.random.SeedSequence(_SPLIT_SEED)).random_raw(samples)
    order = np.argsort(bits, kind="stable")
    held_out = max(1, samples // _HELD_OUT)
    return np.sort(order[held_out:]), np.sort(order[:held_out])
