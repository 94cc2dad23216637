"""From tree to steps: sums are written out, constants folded, functions put down to the operations of an algebra."""

from __future__ import annotations

from nnapprox.errors import UsageError
from nnapprox.exact import Rational, to_rational
from nnapprox.functions.algebra import NoValueError, Step, UndefinedError, shortened
from nnapprox.functions.branches import prune
from nnapprox.functions.rationals import Rationals
from nnapprox.functions.tree import Apply, Constant, Node, Number, Sum, Variable, text_of

MOST_STEPS = 100_000
MOST_EXPONENT = 10_000
"""Of a constant power of what depends on the variables; its denominator is held to this too."""

_OPERATIONS = {
    "+": "add", "*": "multiply", "-": "negate", "/": "invert", "abs": "absolute", "max": "maximum", "min": "minimum",
}  # fmt: skip
"""What is called differently in an `Algebra`."""


def compile_steps(tree: Node, variables: tuple[str, ...]) -> tuple[Step, ...]:
    """List the steps that evaluate a tree; parts that stand in it more than once are evaluated once.

    Raises
    ------
    UsageError
        A constant part is not defined or too large, a sum is too long, or an exponent too large.
    """
    compiler = _Compiler(variables)
    return prune(compiler.steps, compiler.add(tree, {}))


class _Compiler:
    def __init__(self, variables: tuple[str, ...]) -> None:
        self.steps: list[Step] = []
        self._places: dict[tuple[object, ...], int] = {}
        self._coordinates = {name: place for place, name in enumerate(variables)}

    def add(self, node: Node, indices: dict[str, Rational]) -> int:
        """Add what evaluates a node, where the indices of sums have these values; gives the place of its result."""
        match node:
            case Number(value):
                return self._put("number", (), to_rational(value), node)
            case Constant(name):
                return self._put("constant", (), name, node)
            case Variable(name) if name in indices:
                return self._put("number", (), indices[name], node)
            case Variable(name):
                return self._put("coordinate", (), self._coordinates[name], node)
            case Sum():
                return self._write_out(node, indices)
            case Apply(operation, arguments):
                return self._apply(operation, [self.add(argument, indices) for argument in arguments], node)

    def _apply(self, operation: str, arguments: list[int], node: Node) -> int:
        match operation, arguments:
            case "^", [base, exponent]:
                return self._power(base, exponent, node)
            case (("max" | "min"), [value]):
                return value
            case "sqrt", [square]:
                return self._put("power", (square,), Rational(1, 2), node)
            case "relu", _:
                operation, arguments = "max", [*arguments, self._put("number", (), Rational(0), node)]
            case "clip", [value, low, high]:
                self._check_order(low, high, node)
                operation, arguments = "min", [self._put("maximum", (value, low), None, node), high]
            case "tan", _:
                sine, cosine = (self._put(name, tuple(arguments), None, node) for name in ("sin", "cos"))
                operation, arguments = "*", [sine, self._put("invert", (cosine,), None, node)]
        return self._put(_OPERATIONS.get(operation, operation), tuple(arguments), None, node)

    def _check_order(self, low: int, high: int, node: Node) -> None:
        least, most = self._number_at(low), self._number_at(high)
        if least is not None and most is not None and least > most:
            raise UsageError(f"{shortened(text_of(node))} clips to the empty interval from {least} to {most}")

    def _power(self, base: int, exponent: int, node: Node) -> int:
        power = self._number_at(exponent)
        if self.steps[base].operation == "constant" and self.steps[base].parameter == "e":
            return self._put("exp", (exponent,), None, node)
        if power is None:
            return self._put("variable_power", (base, exponent), None, node)
        if self._number_at(base) is None and max(abs(power.p), power.q) > MOST_EXPONENT:
            raise UsageError(f"the exponent of {shortened(text_of(node))} is too large: at most {MOST_EXPONENT:,}")
        return self._put("power", (base,), power, node)

    def _write_out(self, node: Sum, indices: dict[str, Rational]) -> int:
        first, last = (self._whole_number(end, indices, node) for end in (node.first, node.last))
        if last - first >= MOST_STEPS:
            self._refuse_length()
        terms = [self.add(node.body, {**indices, node.index: Rational(k)}) for k in range(first, last + 1)]
        match terms:
            case []:
                return self._put("number", (), Rational(0), node)
            case [term]:
                return term
        return self._put("add", tuple(terms), None, node)

    def _whole_number(self, node: Node, indices: dict[str, Rational], within: Sum) -> int:
        number = self._number_at(self.add(node, indices))
        if number is None or number.q != 1:
            raise UsageError(
                f"{shortened(text_of(within))} must run from a whole number to a whole number, "
                f"which {shortened(text_of(node))} is not"
            )
        return int(number.p)

    def _number_at(self, place: int) -> Rational | None:
        step = self.steps[place]
        return step.parameter if step.operation == "number" else None  # type: ignore[return-value]

    def _put(
        self, operation: str, arguments: tuple[int, ...], parameter: Rational | str | int | None, source: Node
    ) -> int:
        numbers = [self._number_at(place) for place in arguments]
        if arguments and None not in numbers:
            folded = _fold(operation, numbers, parameter, source)
            if folded is not None:
                return self._put("number", (), folded, source)
        key = operation, arguments, parameter
        if key not in self._places:
            if len(self.steps) >= MOST_STEPS:
                self._refuse_length()
            self._places[key] = len(self.steps)
            self.steps.append(Step(operation, arguments, parameter, source))
        return self._places[key]

    @staticmethod
    def _refuse_length() -> None:
        raise UsageError(f"the expression is too long: written out, it has more than {MOST_STEPS:,} operations")


def _fold(operation: str, numbers: list[Rational | None], parameter: object, source: Node) -> Rational | None:
    """Compute a constant, or None where it is not rational."""
    extra = () if parameter is None else (parameter,)
    try:
        value = getattr(Rationals(), operation)(*numbers, *extra)
    except UndefinedError as error:
        raise UsageError(f"{shortened(text_of(source))} {error}") from None
    except NoValueError:
        return None
    return value if isinstance(value, Rational) else None
