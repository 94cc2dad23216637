"""Data sets in CSV files: a sample a row, a feature a column, and one column that is the target."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from nnapprox.datasets.dataset import MAX_CLASSES, Dataset, Notice
from nnapprox.errors import DatasetError, UsageError

Array = NDArray[Any]


def load_csv(path: Path, target: str | None, notice: Notice) -> Dataset:
    """Load a CSV file; a fixed fifth of its samples is held out for testing.

    Parameters
    ----------
    path : Path
        UTF-8 text, delimited by tabs, semicolons or commas, whichever of them its first line has first in this
        order. The first row is a header if none of its cells is a number, or if ``target`` is one of them.
    target : str, optional
        The target's name in the header, or its 0-based position; the last column where none is given.
        Targets that are all written as whole numbers 0..999, and texts (numbered in sorted order), are labels;
        any other numbers are the targets of a regression.
    notice : callable
        Takes a line that says how many samples are held out.

    Raises
    ------
    DatasetError
        The file cannot be read, a row has another number of cells than the first, or a cell is not a finite number.
    UsageError
        There is no column ``target``.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = _read_table(path, file, target)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DatasetError(f"cannot read {path}: it is not UTF-8 text") from None
    except csv.Error as error:
        raise DatasetError(f"cannot read {path}: {error}") from None
    return Dataset.from_arrays(str(path), table.inputs(), table.targets(), notice=notice)


@dataclass
class _Table:
    """The cells of a CSV file, and where they stand in it."""

    path: Path
    names: list[str]
    target: int
    features: array[float]
    labels: list[str]
    lines: array[int]

    def add(self, row: list[str], line: int) -> None:
        """Take in a row of cells."""
        if len(row) != len(self.names):
            self._refuse(line, f"a row of {len(row)} cells, where the first row has {len(self.names)}")
        self.labels.append(row.pop(self.target).strip())
        try:
            self.features.extend(map(float, row))
        except ValueError:
            column = next(index for index, cell in enumerate(row) if not _is_number(cell))
            self._refuse(line, f"{row[column]!r} in {self._feature_name(column)} is not a number")
        self.lines.append(line)

    def inputs(self) -> Array:
        """The features, float64 of shape (n, d), all finite."""
        if not self.lines:
            raise DatasetError(f"{self.path} holds no samples")
        x = np.frombuffer(self.features).reshape(len(self.lines), -1)
        infinite = np.argwhere(~np.isfinite(x))
        if len(infinite):
            row, column = infinite[0]
            self._refuse(self.lines[row], f"{x[row, column]} in {self._feature_name(column)} is not finite")
        return x

    def targets(self) -> Array:
        """The target column: int64 labels, or float64 targets that are all finite, of shape (n,)."""
        if all(_is_label(cell) for cell in self.labels):
            return np.array([int(cell) for cell in self.labels])
        numeric = _is_number(self.labels[0])
        for cell, line in zip(self.labels, self.lines, strict=True):
            if not cell or _is_number(cell) != numeric:
                expected = "a number" if numeric else "a text"
                self._refuse(line, f"the target {cell!r} is not {expected}, as the first one is")
        if not numeric:
            return self._numbered_texts()
        y = np.array([float(cell) for cell in self.labels])
        infinite = np.flatnonzero(~np.isfinite(y))
        if len(infinite):
            self._refuse(self.lines[infinite[0]], f"the target {self.labels[infinite[0]]} is not finite")
        return y

    def _numbered_texts(self) -> Array:
        classes = sorted(set(self.labels))
        if len(classes) > MAX_CLASSES:
            raise DatasetError(
                f"{self.path}: {len(classes):,} different texts in {self.names[self.target]}: at most {MAX_CLASSES} "
                "make classes"
            )
        number = {text: index for index, text in enumerate(classes)}
        return np.array([number[cell] for cell in self.labels])

    def _feature_name(self, feature: int) -> str:
        return self.names[feature + (feature >= self.target)]

    def _refuse(self, line: int, reason: str) -> NoReturn:
        raise DatasetError(f"{self.path}, line {line}: {reason}")


def _read_table(path: Path, lines: Iterator[str], target: str | None) -> _Table:
    first_line = next((line for line in lines if line.strip()), "")
    delimiter = next((mark for mark in "\t;," if mark in first_line), ",")
    reader = csv.reader(chain([first_line], lines), delimiter=delimiter, strict=True)
    first = next(reader, [])
    cells = [cell.strip() for cell in first]
    if len(cells) < 2:
        raise DatasetError(f"{path} has no two columns: a feature and a target are the least there can be")
    is_header = target in cells or not any(_is_number(cell) for cell in cells)
    names = [f"column {cell}" for cell in cells] if is_header else [f"column {index}" for index in range(len(cells))]
    table = _Table(path, names, _target_column(path, target, cells, is_header), array("d"), [], array("q"))
    if not is_header:
        table.add(first, reader.line_num)
    for row in reader:
        if row:
            table.add(row, reader.line_num)
    return table


def _target_column(path: Path, target: str | None, cells: list[str], is_header: bool) -> int:
    if target is None:
        return len(cells) - 1
    if is_header and target in cells:
        return cells.index(target)
    if target.isdecimal() and int(target) < len(cells):
        return int(target)
    known = ", ".join(cells[:20]) if is_header else f"0..{len(cells) - 1}, it has no header"
    raise UsageError(f"{path} has no column {target!r}: its columns are {known}")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_label(cell: str) -> bool:
    """Whether it is written as a whole number that a label can be."""
    return cell.isdecimal() and float(cell) < MAX_CLASSES
