"""Networks put together neuron by neuron: affine forms of the layer before, ReLU, and the layer is closed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnapprox.network import Affine, Network

Number: TypeAlias = int | Fraction

Identity: TypeAlias = tuple[frozenset[tuple[Any, Number]], Number]

ZERO = Fraction(0)
"""Every zero of an assembled network: large ones are almost all zeros, which are told fastest by identity."""


@dataclass(frozen=True)
class Form:
    """An affine form: a constant and finitely many terms, each a nonzero coefficient of something that can be a key.

    Forms are added, subtracted and multiplied by numbers; a number is a constant form.
    """

    terms: Mapping[Any, Number] = field(default_factory=dict)
    constant: Number = 0

    @property
    def identity(self) -> Identity:
        """A key that equal forms have in common."""
        return frozenset(self.terms.items()), self.constant

    def __add__(self, other: Form | Number) -> Form:
        return total((self, other)) if isinstance(other, Form) else Form(self.terms, self.constant + other)

    def __sub__(self, other: Form | Number) -> Form:
        return self + (-1) * other

    def __mul__(self, factor: Number) -> Form:
        if not factor:
            return Form()
        return Form({key: factor * value for key, value in self.terms.items()}, factor * self.constant)

    def __neg__(self) -> Form:
        return self * -1

    def __rsub__(self, other: Number) -> Form:
        return -self + other

    __radd__ = __add__
    __rmul__ = __mul__


def total(forms: Iterable[Form]) -> Form:
    """The sum of forms."""
    terms: dict[Any, Number] = {}
    constant: Number = 0
    for form in forms:
        constant += form.constant
        for key, coefficient in form.terms.items():
            terms[key] = terms.get(key, 0) + coefficient
    return Form({key: coefficient for key, coefficient in terms.items() if coefficient}, constant)


def inner(coefficients: Iterable[Number], forms: Iterable[Form]) -> Form:
    """The sum of coefficients times forms, one each."""
    return total(c * form for c, form in zip(coefficients, forms, strict=True))


@dataclass
class Assembly:
    """A ReLU network under construction, layer by layer.

    `relu` and what is made of it put neurons into the hidden layer at work and give forms of that layer; what they
    take are forms of the layer before. `close` ends the layer. A neuron that is asked for twice is made once.

    Parameters
    ----------
    inputs : int
    nonnegative : bool
        Whether the inputs are never negative, so that carrying one takes one neuron.
    """

    inputs: int
    nonnegative: bool = False
    _layers: list[Affine] = field(default_factory=list, init=False)
    _neurons: dict[Identity, int] = field(default_factory=dict, init=False)
    _width: int = field(init=False)

    def __post_init__(self) -> None:
        self._width = self.inputs

    @property
    def variables(self) -> tuple[Form, ...]:
        """The inputs, as forms."""
        return tuple(Form({(0, i): 1}) for i in range(self.inputs))

    def relu(self, form: Form) -> Form:
        """ReLU of a form."""
        neuron = self._neurons.setdefault(form.identity, len(self._neurons))
        return Form({(len(self._layers) + 1, neuron): 1})

    def keep(self, form: Form) -> Form:
        """The form itself, carried through the layer: by one neuron where it cannot be negative, else by two."""
        signed = not (self._layers or self.nonnegative)
        if form.constant >= 0 and all(c >= 0 and not signed for c in form.terms.values()):
            return self.relu(form) if form.terms else form
        return self.relu(form) - self.relu(-form)

    def max(self, p: Form, q: Form) -> Form:
        """max(p, q) = p + ReLU(q - p)."""
        return self.keep(p) + self.relu(q - p)

    def min(self, p: Form, q: Form) -> Form:
        """min(p, q) = q - ReLU(q - p)."""
        return self.keep(q) - self.relu(q - p)

    def close(self) -> None:
        """End the hidden layer."""
        self._append([Form(dict(terms), constant) for terms, constant in self._neurons])
        self._neurons.clear()

    def network(self, outputs: Sequence[Form]) -> Network:
        """The network that gives these forms of the last hidden layer."""
        self._append(outputs)
        return Network(self._layers)

    def _append(self, forms: Sequence[Form]) -> None:
        self._layers.append(_affine(forms, len(self._layers), self._width))
        self._width = len(forms)


def _affine(forms: Sequence[Form], layer: int, width: int) -> Affine:
    weight: NDArray[Any] = np.full((len(forms), width), ZERO, dtype=object)
    for row, form in enumerate(forms):
        for (home, column), coefficient in form.terms.items():
            if home != layer:
                raise ValueError(f"a form of layer {home} cannot be taken in layer {layer}")
            weight[row, column] = Fraction(coefficient)
    bias = np.array([Fraction(form.constant) for form in forms], dtype=object)
    return Affine(weight, bias)
