import errno
import gzip
import os
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from nnapprox.datasets import cache as cache_module
from nnapprox.datasets import download as download_module
from nnapprox.datasets.dataset import Dataset
from nnapprox.datasets.idx import FILES, MissingFileError
from nnapprox.datasets.mnist import MNIST, UnavailableError, fetch_mnist, read_mnist
from nnapprox.errors import DatasetError

from .helpers import idx_bytes, release_of, small_arrays, write_folder
from .mirrors import serving

GIVEN_FOLDER = os.environ.get("NNAPPROX_DATA_DIR")
ARRAYS = small_arrays(side=32)
IMAGES = FILES["x_train"]


@pytest.fixture
def mirrors(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    files = {f"{name}.gz": gzip.compress(idx_bytes(ARRAYS[key])) for key, name in FILES.items()}
    with serving(files) as running:
        yield running


@pytest.fixture
def fetch(mirrors):
    """Fetch from the mirrors of these kinds; notices and progress are kept in lists."""

    def fetch(*kinds, patience=10.0):
        release = release_of(ARRAYS, *map(mirrors.url, kinds))
        return fetch_mnist(patience, fetch.notices.append, lambda *seen: fetch.progress.append(seen), release)

    fetch.notices, fetch.progress = [], []
    return fetch


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# A folder of one's own


@pytest.mark.parametrize("gzipped", [False, True])
def test_a_folder(tmp_path, gzipped):
    data = read_mnist(write_folder(tmp_path / "here", ARRAYS, gzipped=gzipped), release_of(ARRAYS))
    assert data.describe() == "mnist: 30 training and 20 test samples, 32x32 images, 10 classes"
    assert np.array_equal(data.x_train, ARRAYS["x_train"].reshape(30, 1024))


@pytest.mark.parametrize("name", FILES.values())
def test_a_file_with_another_hash_is_refused_and_named(tmp_path, name):
    write_folder(tmp_path, ARRAYS)
    content = bytearray((tmp_path / name).read_bytes())
    content[-1] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=f"{name} is not MNIST's: .* SHA-256 [0-9a-f]{{12}}.*, not [0-9a-f]{{12}}"):
        read_mnist(tmp_path, release_of(ARRAYS))


def test_a_file_cut_short_is_refused_and_named(tmp_path):
    write_folder(tmp_path, ARRAYS)
    os.truncate(tmp_path / IMAGES, 100)
    with pytest.raises(DatasetError, match=f"{IMAGES} is cut short"):
        read_mnist(tmp_path, release_of(ARRAYS))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=f"has no file {IMAGES}"):
        read_mnist(tmp_path, release_of(ARRAYS))


@pytest.mark.skipif(not GIVEN_FOLDER, reason="NNAPPROX_DATA_DIR names no folder with MNIST")
def test_mnist_itself():
    data = read_mnist(Path(GIVEN_FOLDER))
    assert data.describe() == "mnist: 60,000 training and 10,000 test samples, 28x28 images, 10 classes"
    assert data.y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    computed = Dataset("mnist", data.x_train, data.y_train, data.x_test, data.y_test, 255, 10)
    assert data.fingerprint == computed.fingerprint


# The cache and downloads


def test_downloads_to_the_cache_once(fetch, mirrors, cache):
    first = fetch("good")
    assert np.array_equal(first.x_test, ARRAYS["x_test"].reshape(20, 1024))
    assert files_in(cache) == sorted(FILES.values())  # uncompressed, and nothing else
    assert (cache / "mnist" / IMAGES).read_bytes() == idx_bytes(ARRAYS["x_train"])
    assert mirrors.requests == [("good", f"{name}.gz") for name in FILES.values()]
    assert fetch("good").fingerprint == first.fingerprint
    assert len(mirrors.requests) == 4
    assert fetch.notices == []


def test_progress_reaches_the_size_of_each_file(fetch, mirrors):
    fetch("good")
    last = {name: (done, total) for name, done, total in fetch.progress}
    assert last == {name: (len(content), len(content)) for name, content in mirrors.files.items()}


def test_only_what_is_missing_is_downloaded(fetch, mirrors, cache):
    fetch("good")
    (cache / "mnist" / IMAGES).unlink()
    fetch("good")
    assert mirrors.requests[4:] == [("good", f"{IMAGES}.gz")]


def test_files_put_in_the_cache_by_hand(fetch, mirrors, cache):
    write_folder(cache / "mnist", ARRAYS, gzipped=True)
    fetch("good")
    assert mirrors.requests == []


@pytest.mark.parametrize("damage", [lambda content: content[:100], lambda content: content[:-1] + b"?"])
def test_a_damaged_cache_is_mended(fetch, cache, damage):
    fetch("good")
    path = cache / "mnist" / IMAGES
    path.write_bytes(damage(path.read_bytes()))
    fetch("good")
    assert path.read_bytes() == idx_bytes(ARRAYS["x_train"])
    assert len(fetch.notices) == 1
    assert fetch.notices[0].startswith(f"downloading {IMAGES} again: ")


@pytest.mark.parametrize("bad", ["missing", "wrong", "page", "cut", "hanging", "stalling", "dripping", "endless"])
def test_a_bad_mirror_is_passed_over(fetch, mirrors, cache, monkeypatch, bad):
    monkeypatch.setattr(download_module, "MAX_BYTES", 1 << 22)
    data = fetch(bad, "good", patience=1.0 if bad in ("hanging", "stalling", "dripping") else 20.0)
    assert np.array_equal(data.x_train, ARRAYS["x_train"].reshape(30, 1024))
    assert files_in(cache) == sorted(FILES.values())
    assert mirrors.requests[:2] == [(bad, f"{IMAGES}.gz"), ("good", f"{IMAGES}.gz")]


def test_a_mirror_is_tried_again(fetch, mirrors):
    fetch("once_broken")
    assert len(mirrors.requests) == 8


def test_a_mirror_that_failed_is_tried_last_from_then_on(fetch, mirrors):
    fetch("missing", "good")
    assert [kind for kind, _ in mirrors.requests] == ["missing", "good", "good", "good", "good"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("missing", "HTTP status 404"),
        ("wrong", f"sent something that is not MNIST's {IMAGES}"),
        ("page", f"sent something that is not MNIST's {IMAGES}"),
        ("endless", "sent more than a file may have"),
        ("hanging", "no answer, or too slow a one, for 0.3 s"),
        ("stalling", "no answer, or too slow a one, for 0.3 s"),
        ("dripping", "no answer, or too slow a one, for 0.3 s"),
    ],
)
def test_without_a_good_mirror_nothing_is_kept(fetch, cache, monkeypatch, bad, reason):
    monkeypatch.setattr(download_module, "MAX_BYTES", 1 << 22)
    with pytest.raises(UnavailableError, match=reason) as caught:
        fetch(bad, patience=20.0 if bad == "endless" else 0.3)
    message = str(caught.value)
    assert "127.0.0.1" in message
    assert "--data-dir" in message
    assert IMAGES in message
    assert "\n" not in message
    assert files_in(cache) == []


def test_patience_is_for_all_mirrors_together(fetch, mirrors):
    with pytest.raises(UnavailableError):
        fetch(*["hanging"] * 20, patience=1.0)
    assert len(mirrors.requests) <= 20  # each has a twentieth of the time, so that none is left for a second round


def test_without_patience_nothing_is_asked_for(fetch, mirrors):
    with pytest.raises(UnavailableError, match="it takes too long"):
        fetch("good", patience=0.0)
    assert mirrors.requests == []


def test_looking_up_a_name_that_hangs_is_given_up(cache, monkeypatch):
    release = threading.Event()

    def hang(*args, **kwargs):
        release.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setenv("NO_PROXY", "*")
    try:
        with pytest.raises(UnavailableError, match=r"nowhere\.invalid: no answer"):
            fetch_mnist(0.2, print, lambda *seen: None, release_of(ARRAYS, "http://nowhere.invalid/"))
    finally:
        release.set()
    assert files_in(cache) == []


def test_interrupting_a_download_leaves_nothing(mirrors, cache):
    def interrupt(*seen):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_mnist(10.0, print, interrupt, release_of(ARRAYS, mirrors.url("stalling")))
    assert files_in(cache) == []


def test_a_full_disk(fetch, cache, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache_module.os, "fsync", full)
    with pytest.raises(UnavailableError, match=r"cannot write the cache .*: No space left on device"):
        fetch("good")
    assert files_in(cache) == []


def test_a_cache_that_cannot_be_written_is_found_out_before_downloading(fetch, mirrors, cache):
    cache.write_text("a file where the folder should be")
    with pytest.raises(UnavailableError, match="cannot write the cache"):
        fetch("good")
    assert mirrors.requests == []


def test_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("NNAPPROX_CACHE", "~/there")
    assert cache_module.cache_folder() == Path.home() / "there"
    monkeypatch.delenv("NNAPPROX_CACHE")
    assert "nnapprox" in str(cache_module.cache_folder())


def test_the_mirrors_are_complete_urls():
    assert len(MNIST.mirrors) >= 3
    assert all(url.startswith("http") and url.endswith("/") for url in MNIST.mirrors)
    assert set(MNIST.digests) == set(FILES.values())
