"""The affine function on a cell whose sign is asked for: an output against a level, or against another output."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.exact import Integer
from nnapprox.network import Affine, Network
from nnapprox.regions.cells import Cell
from nnapprox.regions.polytope import Form


@dataclass(frozen=True, slots=True)
class Level:
    """The function f_output - value, or f_output - f_against - value: its zeros are a level set or a decision boundary.

    Parameters
    ----------
    output : int
        Counted from 0, as `against` is.
    value : Fraction
        A float is the dyadic rational that it is.
    against : int or None
        None for no other output.
    """

    output: int = 0
    value: int | float | Fraction = 0
    against: int | None = None

    def __str__(self) -> str:
        """The two sides of the equation, such as ``f1 - f0 = 1/2``."""
        name = f"f{self.output}" if self.against is None else f"f{self.output} - f{self.against}"
        return f"{name} = {self.value}"

    def require_outputs(self, network: Network) -> None:
        """Refuse outputs that a network does not have, or one that is compared with itself.

        Raises
        ------
        UsageError
        """
        outputs = network.widths[-1]
        for output in (self.output, self.against):
            if output is not None and not 0 <= output < outputs:
                raise UsageError(f"there is no output {output}: the network has the outputs 0 to {outputs - 1}")
        if self.output == self.against:
            raise UsageError(f"an output is compared with another one, not {self.output} with itself")

    def form(self, cell: Cell) -> Form:
        """The function on a cell, times a positive integer."""
        forms, scale = cell.outputs
        form = list(forms[self.output])
        if self.against is not None:
            form = [a - b for a, b in zip(form, forms[self.against], strict=True)]
        numerator, denominator = (Integer(part) for part in self.value.as_integer_ratio())
        form = [denominator * number for number in form]
        form[-1] -= numerator * scale
        return form

    def as_neuron(self, network: Network) -> Network:
        """A network with one more hidden neuron, in a layer of its own, whose kink is the level set."""
        exact = network.astype("rational")
        last = exact.layers[-1]
        weight, bias = last.weight[self.output], last.bias[self.output] - Fraction(self.value)
        if self.against is not None:
            weight, bias = weight - last.weight[self.against], bias - last.bias[self.against]
        neuron, output = Affine(np.array([weight]), np.array([bias])), Affine(np.array([[1]]), np.array([0]))
        return Network([*exact.layers[:-1], neuron, output], exact.activation)
