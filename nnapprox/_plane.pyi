from collections.abc import Callable
from typing import Any

LIMB_BYTES: int
BLOCK: int
FLIPS: int

def odd_parts(numbers: Any, mantissas: Any, exponents: Any) -> None: ...
def within(rows: Any, low: float, high: float, out: Any) -> None: ...
def shift(mantissas: Any, shifts: Any, out: Any) -> None: ...

class Layer:
    def __init__(
        self, inputs: int, neurons: int, weights: Any, bias: Any, bias_error: Any, rounding: float,
    ) -> None: ...  # fmt: skip
    def complete(self, row: Any, column: Any, entries: Any, exact_words: int) -> None: ...

class Output:
    def __init__(
        self, first: Any, layers: Any, slope: int, prints: Any, wanted: Any = None, patterns: Any = None,
        offsets: Any = None, labels: Any = None,
    ) -> None: ...  # fmt: skip

class Counter:
    def __init__(
        self, isa: int, given: Any, sides: int, neurons: int, layers: list[Layer], unit: int, slope: float,
        integers: Callable[[], tuple[Any, Any, Any]], spreads: Any = None, output: Output | None = None,
    ) -> None: ...  # fmt: skip
    def run(self, work: int) -> bool: ...
    def fingerprints(self) -> Any: ...
    def cells(self) -> tuple[Any, Any, Any]: ...
    @property
    def regions(self) -> int: ...
    @property
    def predicates(self) -> int: ...
    @property
    def exact_decisions(self) -> int: ...
    @property
    def share(self) -> float: ...
