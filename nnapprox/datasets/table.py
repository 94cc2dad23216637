"""Data sets in CSV files: a sample a row, a feature a column, and one column that is the target."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from reprlib import repr as shorten
from typing import NoReturn

import numpy as np

from nnapprox.datasets.dataset import MAX_CLASSES, Array, Dataset, Notice
from nnapprox.errors import DatasetError, UsageError


def load_csv(path: str, target: str | None, notice: Notice) -> Dataset:
    """Load a CSV file; a fixed fifth of its samples is held out for testing.

    Parameters
    ----------
    path : str
        UTF-8 text, delimited by tabs where its first line has any, else by semicolons where it has any, else by
        commas. The first row is a header if none of its cells is a number, or if ``target`` is one of its texts.
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
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = _read_table(path, file, target)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DatasetError(f"cannot read {path}: it is not UTF-8 text") from None
    return Dataset.from_arrays(path, {"x_train": table.inputs(), "y_train": table.targets()}, notice=notice)


@dataclass
class _Table:
    """The cells of a CSV file, and where they stand in it."""

    path: str
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
            self._refuse(line, f"{shorten(row[column])} in {self._feature_name(column)} is not a number")
        self.lines.append(line)

    def inputs(self) -> Array:
        """Make the features an array: float64 of shape (n, d), all finite."""
        if not self.lines:
            raise DatasetError(f"{self.path} holds no samples")
        x = np.frombuffer(self.features).reshape(len(self.lines), -1)
        bad = np.argwhere(~np.isfinite(x))
        if len(bad):
            row, column = bad[0]
            self._refuse(self.lines[row], f"{x[row, column]} in {self._feature_name(column)} is not finite")
        return x

    def targets(self) -> Array:
        """Make the target column an array of shape (n,): integer labels, or float64 targets that are all finite."""
        if all(_is_label(cell) for cell in self.labels):
            return np.array([int(cell) for cell in self.labels])
        numeric = _is_number(self.labels[0])
        for cell, line in zip(self.labels, self.lines, strict=True):
            if not cell:
                self._refuse(line, "the target is missing")
            if _is_number(cell) != numeric:
                self._refuse(line, f"the target {shorten(cell)} is {'not ' * numeric}a number, unlike the first one")
        return self._numbers() if numeric else self._numbered_texts()

    def _numbers(self) -> Array:
        y = np.array([float(cell) for cell in self.labels])
        bad = np.flatnonzero(~np.isfinite(y))
        if len(bad):
            self._refuse(self.lines[bad[0]], f"the target {shorten(self.labels[bad[0]])} is not finite")
        return y

    def _numbered_texts(self) -> Array:
        classes = sorted(set(self.labels))
        if len(classes) > MAX_CLASSES:
            raise DatasetError(
                f"{self.path}: {self.names[self.target]} has {len(classes):,} different texts, but at most "
                f"{MAX_CLASSES:,} classes are taken"
            )
        number = {text: index for index, text in enumerate(classes)}
        return np.array([number[cell] for cell in self.labels])

    def _feature_name(self, feature: int) -> str:
        return self.names[feature + (feature >= self.target)]

    def _refuse(self, line: int, reason: str) -> NoReturn:
        raise DatasetError(f"{self.path}, line {line}: {reason}")


def _read_table(path: str, lines: Iterator[str], target: str | None) -> _Table:
    rows = _rows(path, lines)
    line, first = next(rows, (0, []))
    if len(first) < 2:
        raise DatasetError(f"{path} has no two columns: a feature and a target are the least there can be")
    cells = [cell.strip() for cell in first]
    texts = [cell for cell in cells if not _is_number(cell)]
    is_header = texts == cells or target in texts
    names = [f"column {name}" for name in (cells if is_header else range(len(cells)))]
    table = _Table(path, names, _target_column(path, target, cells, is_header), array("d"), [], array("q"))
    if not is_header:
        table.add(first, line)
    for line, row in rows:
        table.add(row, line)
    return table


def _rows(path: str, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Split lines into cells, leaving out blank lines; a row comes with the number of its last line."""
    head = []
    for line in lines:
        head.append(line)
        if line.strip():
            break
    delimiter = next((mark for mark in "\t;" if mark in "".join(head)), ",")
    reader = csv.reader(chain(head, lines), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if len(row) > 1 or "".join(row).strip():
                yield reader.line_num, row
    except csv.Error as error:
        raise DatasetError(f"{path}, line {reader.line_num}: {error}") from None


def _target_column(path: str, target: str | None, cells: list[str], is_header: bool) -> int:
    if target is None:
        return len(cells) - 1
    if is_header and target in cells:
        return cells.index(target)
    if target.isdecimal() and float(target) < len(cells):
        return int(target)
    known = ", ".join(cells[:20]) if is_header else f"0..{len(cells) - 1}, as it has no header"
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
