"""What is proved of the distance between a network and its target."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

Norm = Literal["sup", "L1", "L2"]
Kind = Literal["exact", "enclosure", "bound", "sampled"]
Domain = tuple[tuple[Fraction, Fraction], ...]
"""A box: an interval for every coordinate."""


@dataclass(frozen=True)
class Certificate:
    """The norm of the difference of a network and its target, and how it is known.

    Attributes
    ----------
    norm : str
        ``sup``, ``L1`` or ``L2``, over the domain.
    domain : tuple of (low, high)
        A box, an interval for every coordinate.
    kind : str
        ``exact``: the norm is `value`. ``enclosure``: it lies in [low, high], which is `value`. ``bound``: it is at
        most `value`. ``sampled``: it was seen to be at least `value`, and nothing is proved.
    value : Fraction, or two
    argmax : tuple of Fraction or None
        A point of the domain where the difference is `value`, or at least the low end of it.
    source : str
        How it was found, in one line.
    """

    norm: Norm
    domain: Domain
    kind: Kind
    value: Fraction | tuple[Fraction, Fraction]
    argmax: tuple[Fraction, ...] | None
    source: str

    @property
    def certified(self) -> bool:
        """Whether it is proved."""
        return self.kind != "sampled"

    @property
    def lower(self) -> Fraction:
        """What the norm is at least; 0 where only a bound is known."""
        if isinstance(self.value, tuple):
            return self.value[0]
        return Fraction(0) if self.kind == "bound" else self.value

    @property
    def upper(self) -> Fraction:
        """What the norm is at most, if it is certified."""
        return self.value[1] if isinstance(self.value, tuple) else self.value

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, with every rational as a `Fraction`."""
        return {
            "norm": self.norm,
            "domain": [list(interval) for interval in self.domain],
            "kind": self.kind,
            "value": list(self.value) if isinstance(self.value, tuple) else self.value,
            "argmax": None if self.argmax is None else list(self.argmax),
            "source": self.source,
        }
