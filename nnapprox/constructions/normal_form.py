"""A proof that a ReLU network is a given function on all of R^d, with no region enumerated.

Every value inside a network is an affine form of its inputs and of ReLUs of such forms. Here such forms are brought to
a normal form by identities that hold for all numbers: ReLU(c z) = c ReLU(z) for c > 0; ReLU(-z) = ReLU(z) - z; ReLU of
what cannot be negative is that itself, of what cannot be positive is 0; ReLU(ReLU(z) - r) = ReLU(z - r) for r >= 0.
Equal ReLUs are one. Two functions with equal normal forms are equal everywhere; of others nothing is said. The size of
the forms grows with the number of neurons, not with that of the regions: a maximum of a thousand numbers is proved in a
moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from nnapprox.constructions.assembly import ZERO, Form, Identity, Number, total
from nnapprox.network import Affine, Network


class NormalForms:
    """Normal forms over the same inputs. A key below `inputs` is that input less its least value, any other a ReLU.

    Parameters
    ----------
    inputs : int
    corner : sequence of rationals, optional
        Least values of the inputs, where what is proved is to be proved for inputs from there on only.
    """

    def __init__(self, inputs: int, corner: Sequence[Number] | None = None) -> None:
        self.variables = tuple(Form({i: 1}, corner[i] if corner else 0) for i in range(inputs))
        self._first_known = 0 if corner else inputs
        self._arguments: list[Form] = []
        self._known: dict[Identity, Form] = {}

    def relu(self, form: Form) -> Form:
        """The normal form of ReLU of a normal form."""
        if not form.terms:
            return form if form.constant >= 0 else Form()
        size, unit = _scaled(form)
        if unit.identity not in self._known:
            value = self._relu(unit)
            self._known[unit.identity] = value
            if value.terms:  # which is not negative
                _, positive = _scaled(value)
                self._known[positive.identity] = positive
        return size * self._known[unit.identity]

    def _relu(self, form: Form) -> Form:
        if self._is_nonnegative(form):
            return form
        if self._is_nonnegative(-form):
            return Form()
        if form.terms[max(form.terms)] < 0:
            return self.relu(-form) + form
        for one, rest in ((form, Form()), (-form, form)):
            merged = self._without_inner_relu(one)
            if merged is not None:
                return self.relu(merged) + rest
        self._arguments.append(form)
        return Form({len(self.variables) + len(self._arguments) - 1: 1})

    def max(self, p: Form, q: Form) -> Form:
        """max(p, q) = p + ReLU(q - p)."""
        return p + self.relu(q - p)

    def min(self, p: Form, q: Form) -> Form:
        """min(p, q) = q - ReLU(q - p)."""
        return q - self.relu(q - p)

    def of(self, network: Network) -> list[Form]:
        """The normal forms of a rational ReLU network's outputs, from its actual weights."""
        values: Sequence[Form] = self.variables
        for layer in network.layers[:-1]:
            values = [self.relu(form) for form in _mapped(layer, values)]
        return _mapped(network.layers[-1], values)

    def _without_inner_relu(self, form: Form) -> Form | None:
        """For ReLU(z) - r with r >= 0 give z - r: one ReLU around both makes them the same."""
        for key, coefficient in form.terms.items():
            if key >= len(self.variables) and coefficient > 0:
                atom, argument = Form({key: coefficient}), coefficient * self._argument(key)
                for inner, z in ((atom, argument), (atom - argument, -argument)):
                    if self._is_nonnegative(inner - form):
                        return form - inner + z
        return None

    def _argument(self, key: int) -> Form:
        return self._arguments[key - len(self.variables)]

    def _is_nonnegative(self, form: Form) -> bool:
        """Whether the form is seen to be a nonnegative combination of what is never negative."""
        rest = form
        # c ReLU(z) - c z = c ReLU(-z): such pairs are taken out first, later ReLUs before those inside of them.
        for key in sorted((k for k in form.terms if k >= len(self.variables)), reverse=True):
            if rest.terms.get(key, 0) < 0:  # what comes changes earlier keys only
                return False
            argument = self._argument(key)
            surplus = min(rest.terms.get(key, 0), -rest.terms.get(max(argument.terms), 0))
            if surplus > 0:
                rest -= surplus * (Form({key: 1}) - argument)
        return rest.constant >= 0 and all(c > 0 and key >= self._first_known for key, c in rest.terms.items())


def _mapped(layer: Affine, values: Sequence[Form]) -> list[Form]:
    return [
        total(_plain(w) * values[i] for i, w in enumerate(row) if w is not ZERO and w) + _plain(bias)
        for row, bias in zip(layer.weight.tolist(), layer.bias, strict=True)
    ]


def _scaled(form: Form) -> tuple[Number, Form]:
    """A positive number, and the form divided by it: what ReLU is linear in."""
    leading = form.terms[max(form.terms)]
    size = -leading if leading < 0 else leading
    return size, form if size == 1 else form * (1 / Fraction(size))


def _plain(number: Fraction) -> Number:
    """An int where that is enough: most weights are, and ints are fast."""
    return number.numerator if number.denominator == 1 else number
