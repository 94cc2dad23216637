"""The folder that keeps downloaded files."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Say which it is: ``$NNAPPROX_CACHE``, or else the platform's folder for caches, which pooch uses too."""
    chosen = os.environ.get("NNAPPROX_CACHE")
    if chosen:
        return Path(os.path.expanduser(chosen))
    import platformdirs

    return Path(platformdirs.user_cache_dir("nnapprox"))
