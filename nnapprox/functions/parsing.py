"""From text to tree: a hand-written parser whose errors say where they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from typing import NamedTuple, NoReturn

from nnapprox.errors import UsageError
from nnapprox.functions.algebra import shortened
from nnapprox.functions.tree import Apply, Constant, Node, Number, Sum, Variable

FUNCTIONS = {
    "sin": (1, 1), "cos": (1, 1), "tan": (1, 1), "exp": (1, 1), "log": (1, 1), "sqrt": (1, 1), "abs": (1, 1),
    "relu": (1, 1), "sign": (1, 1), "step": (1, 1), "floor": (1, 1), "tri": (1, 1), "factorial": (1, 1),
    "max": (1, None), "min": (1, None), "clip": (3, 3),
}  # fmt: skip
"""Names of the functions, each with the least and the most arguments it takes."""

CONSTANTS = ("pi", "e")

MOST_CHARACTERS = 1_000_000
MOST_LEVELS = 100
"""How deeply parentheses, functions, powers and signs may be nested; everything that walks a tree relies on it."""

MOST_EXPONENT = 10_000
"""Of a number in scientific notation: written out as a rational, 1e999999999 would fill the memory."""

MOST_VARIABLES = 10_000

_NUMBERED = re.compile(r"x([1-9][0-9]{0,5})")
_LETTERS = ("x", "y", "z")
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[A-Za-z_]\w*)|(?P<mark>\*\*|[-+*/^(),])"
    r"|(?P<end>$)|(?P<other>.))",
    re.ASCII | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


def parse_tree(text: str, variables: tuple[str, ...] | None = None) -> tuple[Node, tuple[str, ...]]:
    """Read an expression; gives its tree and its variables.

    Without names of variables those of the grammar are taken: ``x``; ``x, y``; ``x, y, z``; or ``x1`` to the
    ``xd`` of the largest number. Text without any is taken as a function of ``x``.

    Raises
    ------
    UsageError
        The text is no expression; the message says what is wrong and at which character, counted from 1.
    """
    if len(text) > MOST_CHARACTERS:
        raise UsageError(f"the expression has {len(text):,} characters: at most {MOST_CHARACTERS:,} are read")
    if not text.strip():
        raise UsageError("the expression is empty: write a function of x, as sin(3*x)/3")
    parser = _Parser(text, variables)
    return parser.parse(), variables or parser.variables()


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str, variables: tuple[str, ...] | None) -> None:
        self._tokens = _tokens(text)
        self._token = next(self._tokens)
        self._given = variables
        self._met: dict[str, _Token] = {}
        self._indices: list[str] = []
        self._level = 0

    def parse(self) -> Node:
        node = self._sum()
        if self._token.kind != "end":
            self._refuse_rest()
        return node

    def variables(self) -> tuple[str, ...]:
        """The coordinates, as the names met in the text tell them."""
        numbered = {int(name[1:]): token for name, token in self._met.items() if name not in _LETTERS}
        letters = [name for name in self._met if name in _LETTERS]
        if letters and numbered:
            token = min(numbered.values(), key=lambda token: token.position)
            _refuse(token, f"{token.text} and {letters[0]} do not go together: write x, y, z or x1, x2, ...")
        if numbered:
            return tuple(f"x{i}" for i in range(1, max(numbered) + 1))
        return _LETTERS[: max((_LETTERS.index(name) for name in letters), default=0) + 1]

    def _advance(self) -> _Token:
        token, self._token = self._token, next(self._tokens, self._token)
        return token

    def _take(self, *marks: str) -> str | None:
        """Go past the next token if it is one of these."""
        return self._advance().text if self._token.kind == "mark" and self._token.text in marks else None

    def _expect(self, mark: str, opened: _Token) -> None:
        if self._take(mark) is None:
            if self._token.kind == "end":
                _refuse(opened, "this parenthesis is never closed")
            self._refuse_rest()

    def _refuse_rest(self) -> NoReturn:
        token = self._token
        if token.text == ")":
            _refuse(token, "there is a ) without a (")
        if token.text == ",":
            _refuse(token, "there is a comma outside a function's arguments, or one argument too many")
        _refuse(token, f"expected an operator before {token.text!r}: a product is written 2*x")

    def _sum(self) -> Node:
        terms = [self._product()]
        while operator := self._take("+", "-"):
            term = self._product()
            terms.append(term if operator == "+" else Apply("-", (term,)))
        return terms[0] if len(terms) == 1 else Apply("+", tuple(terms))

    def _product(self) -> Node:
        factors = [self._signed()]
        while operator := self._take("*", "/"):
            factor = self._signed()
            factors.append(factor if operator == "*" else Apply("/", (factor,)))
        return factors[0] if len(factors) == 1 else Apply("*", tuple(factors))

    def _signed(self) -> Node:
        self._level += 1
        if self._level > MOST_LEVELS:
            _refuse(self._token, f"the expression is nested more than {MOST_LEVELS} deep")
        if self._take("-"):
            node: Node = Apply("-", (self._signed(),))
        elif self._take("+"):
            node = self._signed()
        else:
            node = self._atom()
            if self._take("^", "**"):
                node = Apply("^", (node, self._signed()))
        self._level -= 1
        return node

    def _atom(self) -> Node:
        token = self._advance()
        match token.kind:
            case "number":
                return Number(_number(token))
            case "name":
                return self._named(token)
        if token.text != "(":
            ends = token.kind == "end"
            _refuse(token, "the expression ends too early" if ends else f"{token.text!r} is not expected here")
        node = self._sum()
        self._expect(")", token)
        return node

    def _named(self, token: _Token) -> Node:
        name = token.text
        if name == "sum":
            return self._indexed_sum(token)
        if name in FUNCTIONS:
            arguments = self._arguments(token)
            least, most = FUNCTIONS[name]
            if not least <= len(arguments) <= (most or len(arguments)):
                takes = f"{least} argument{'s' * (least > 1)}" if least == most else f"at least {least}"
                _refuse(token, f"{name} takes {takes}, not {len(arguments)}")
            return Apply(name, arguments)
        if name in self._indices:
            return Variable(name)
        if name in CONSTANTS and name not in (self._given or ()):
            return Constant(name)
        self._meet(token)
        return Variable(name)

    def _arguments(self, function: _Token) -> tuple[Node, ...]:
        opened = self._token
        if self._take("(") is None:
            _refuse(function, f"{function.text} is a function: write {function.text}(...)")
        arguments = [self._sum()]
        while self._take(","):
            arguments.append(self._sum())
        self._expect(")", opened)
        return tuple(arguments)

    def _indexed_sum(self, function: _Token) -> Node:
        """sum(k, first, last, body): the index is known in the body only."""
        opened = self._token
        if self._take("(") is None or self._token.kind != "name":
            _refuse(function, "a sum is written sum(k, first, last, body), as sum(k, 0, 5, x^k)")
        index = self._advance()
        taken = (*FUNCTIONS, *CONSTANTS, "sum", *self._indices, *self._known_variables())
        if index.text in taken or _NUMBERED.fullmatch(index.text):
            _refuse(index, f"{index.text} has another meaning: give the index of the sum another name")
        parts = []
        for place in ("first", "last", "body"):
            if self._take(",") is None:
                _refuse(function, f"the sum has no {place}: write sum(k, first, last, body), as sum(k, 0, 5, x^k)")
            if place == "body":
                self._indices.append(index.text)
            parts.append(self._sum())
        self._indices.pop()
        self._expect(")", opened)
        return Sum(index.text, *parts)

    def _meet(self, token: _Token) -> None:
        """Take a name as that of a coordinate."""
        known, name = self._known_variables(), token.text
        numbered = _NUMBERED.fullmatch(name) if self._given is None else None
        if numbered and int(numbered[1]) > MOST_VARIABLES:
            _refuse(token, f"{name} is too many: at most {MOST_VARIABLES:,} variables are taken")
        if not numbered and name not in known:
            names = (*known, *CONSTANTS, *FUNCTIONS, "sum", *self._indices)
            near = get_close_matches(name, names, n=1)
            listed = ", ".join(known) if self._given is not None else "x; x, y, z; or x1, x2, ..."
            hint = f"did you mean {near[0]}?" if near else f"the variables are {listed}"
            _refuse(token, f"unknown name {name!r}: {hint}")
        self._met.setdefault(name, token)

    def _known_variables(self) -> tuple[str, ...]:
        return _LETTERS if self._given is None else self._given


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while match := _TOKEN.match(text, position):
        kind = str(match.lastgroup)
        token = _Token(kind, match[kind], match.start(kind) + 1)
        if kind == "other":
            _refuse(token, f"unexpected character {token.text!r}")
        yield token
        if kind == "end":
            return
        position = match.end()


def _number(token: _Token) -> Fraction:
    exponent = token.text.lower().partition("e")[2]
    if len(exponent) > 10 or abs(int(exponent or 0)) > MOST_EXPONENT:
        _refuse(token, f"the exponent of {shortened(token.text)} is beyond {MOST_EXPONENT:,}")
    return Fraction(Decimal(token.text))  # int() and Fraction() refuse text of more than 4,300 digits


def _refuse(token: _Token, reason: str) -> NoReturn:
    raise UsageError(f"{reason} (at character {token.position} of the expression)")
