"""The folder that keeps downloaded files."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def cache_folder() -> Path:
    """``$NNAPPROX_CACHE``, or else the platform's folder for caches (the one that pooch uses too)."""
    chosen = os.environ.get("NNAPPROX_CACHE")
    if chosen:
        return Path(os.path.expanduser(chosen))
    import platformdirs  # noqa: PLC0415 - not free, and not needed above

    return Path(platformdirs.user_cache_dir("nnapprox"))


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of ``path`` once it is written in full, and leaves nothing behind if it is not.

    The folder is made if need be. It is a context manager; several processes may do the same at once.

    Raises
    ------
    OSError
        The folder or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
