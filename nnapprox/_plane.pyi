from typing import Any

LIMB_BYTES: int
BLOCK: int

class Layer:
    def __init__(
        self, inputs: int, neurons: int, weights: Any, bias: Any, bias_error: Any, rounding: float, row: Any,
        column: Any, entries: Any, exact_words: int,
    ) -> None: ...  # fmt: skip

class Counter:
    def __init__(
        self, isa: int, given: Any, sides: Any, first: Any, layers: list[Layer], slope: float, slope_parts: Any
    ) -> None: ...
    def run(self, work: int) -> bool: ...
    @property
    def regions(self) -> int: ...
    @property
    def predicates(self) -> int: ...
    @property
    def exact_decisions(self) -> int: ...
