"""Data sets to train on: MNIST, the bundled digits, files of one's own, samples of a function.

No function here prints: what a user should know goes to the callbacks ``notice`` and ``progress``.
"""

from __future__ import annotations

import os
from pathlib import Path

from nnapprox.datasets.dataset import Dataset, Notice
from nnapprox.datasets.digits import load_digits
from nnapprox.datasets.download import Progress
from nnapprox.datasets.function import sample_function
from nnapprox.datasets.idx import MissingFileError, load_idx_folder
from nnapprox.datasets.mnist import ADVICE, UnavailableError, fetch_mnist, read_mnist
from nnapprox.datasets.npz import load_npz
from nnapprox.datasets.table import load_csv
from nnapprox.errors import UsageError

__all__ = ["NAMES", "Dataset", "Notice", "Progress", "load_dataset", "sample_function"]

NAMES = ("auto", "digits", "mnist")
"""The data sets that have a name."""

_TABLE_SUFFIXES = (".csv", ".tsv")
_AUTO_PATIENCE = 10.0  # seconds
_MNIST_PATIENCE = 30.0


def load_dataset(
    name_or_path: str | os.PathLike[str] = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    target: str | None = None,
    notice: Notice | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    name_or_path : str or path
        ``mnist``; ``digits``, which is bundled; ``auto``: MNIST where it is there or can be downloaded, else the
        digits. Or a path: a folder of the four IDX files, an ``.npz`` file with x_train, y_train and, optionally,
        x_test, y_test, or a ``.csv`` or ``.tsv`` file. A folder that is called like a data set is ``./mnist``.
    data_dir : str or path, optional
        The folder that has MNIST's files; ``$NNAPPROX_DATA_DIR`` where none is given. With neither, they are looked
        for in the cache (``$NNAPPROX_CACHE``, or else the platform's) and downloaded to it.
    target : str, optional
        Of a CSV file, the column to learn: its name or 0-based position; the last one where none is given.
    notice : callable, optional
        Takes one line about anything that a user should know; by default the logger ``nnapprox`` warns.
    progress : callable, optional
        During downloads takes a file's name, the bytes of it that are here, and its size or None.

    Raises
    ------
    UsageError
        There is no such name or path, or ``target`` is for another kind of data set.
    DatasetError
        The data set cannot be had or is not what it should be. ``mnist`` is never replaced by another one, and a
        file that is there but is not the original is refused by ``auto`` too.
    """
    name = os.fspath(name_or_path)
    notice = notice or _log
    progress = progress or _ignore_progress
    if target is not None and not _is_table(name):
        raise UsageError(f"a target column is for {' and '.join(_TABLE_SUFFIXES)} files only, not for {name}")
    given = data_dir or os.environ.get("NNAPPROX_DATA_DIR")
    folder = Path(os.path.expanduser(given)) if given else None
    match name:
        case "digits":
            return load_digits()
        case "mnist":
            return read_mnist(folder) if folder else fetch_mnist(_MNIST_PATIENCE, notice, progress)
        case "auto":
            return _load_auto(folder, notice, progress)
    return _load_path(name, target, notice)


def _load_auto(folder: Path | None, notice: Notice, progress: Progress) -> Dataset:
    if folder:
        try:
            return read_mnist(folder)
        except MissingFileError as error:
            notice(f"{error}: looking for MNIST in the cache and on the web instead")
    try:
        return fetch_mnist(_AUTO_PATIENCE, notice, progress)
    except UnavailableError as error:
        notice(
            f"MNIST is not here and could not be downloaded ({error.args[0]}): using the bundled digits instead. "
            f"To use MNIST, {ADVICE}"
        )
        return load_digits()


def _load_path(name: str, target: str | None, notice: Notice) -> Dataset:
    if not os.path.exists(name):
        raise UsageError(_unknown(name))
    if os.path.isdir(name):
        return load_idx_folder(name)
    if _is_table(name):
        return load_csv(name, target, notice)
    if name.lower().endswith(".npz"):
        return load_npz(name, notice)
    raise UsageError(f"{name} is no data set: give a folder of IDX files, an .npz or a .csv file")


def _is_table(name: str) -> bool:
    return name.lower().endswith(_TABLE_SUFFIXES)


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), NAMES, n=1)
    hint = f"did you mean {close[0]}?" if close else f"choose {', '.join(NAMES)}, or the path of one that exists"
    return f"there is no data set {name!r}: {hint}"


def _log(text: str) -> None:
    import logging

    logging.getLogger("nnapprox").warning(text)


def _ignore_progress(name: str, done: int, total: int | None) -> None:
    """Show nothing."""
