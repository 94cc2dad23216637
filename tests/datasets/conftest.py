import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache of one's own, and no folder of data that the machine happens to have."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("NNAPPROX_CACHE", str(folder))
    monkeypatch.delenv("NNAPPROX_DATA_DIR", raising=False)
    return folder
