import logging
import os
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import nnapprox.datasets
from nnapprox.datasets import load_dataset
from nnapprox.datasets.mnist import UnavailableError, fetch_mnist, read_mnist
from nnapprox.errors import DatasetError, UsageError

from .helpers import release_of, small_arrays, write_folder

ARRAYS = small_arrays()


def silent(text):
    raise AssertionError(f"unexpected notice: {text}")


@pytest.fixture(autouse=True)
def small_mnist(monkeypatch):
    """MNIST is the small arrays, on a mirror that refuses connections."""
    release = release_of(ARRAYS, "http://127.0.0.1:9/")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(nnapprox.datasets, "read_mnist", partial(read_mnist, release=release))
    monkeypatch.setattr(nnapprox.datasets, "fetch_mnist", partial(fetch_mnist, release=release))


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "folder", ARRAYS)


def test_digits_need_nothing():
    assert load_dataset("digits", notice=silent).name == "digits"


@pytest.mark.parametrize("name", ["auto", "mnist"])
def test_mnist_from_the_argument_or_the_environment_or_the_cache(name, folder, cache, tmp_path, monkeypatch):
    assert load_dataset(name, data_dir=folder, notice=silent).name == "mnist"
    monkeypatch.setenv("NNAPPROX_DATA_DIR", str(folder))
    assert load_dataset(name, notice=silent).name == "mnist"
    monkeypatch.setenv("NNAPPROX_DATA_DIR", str(tmp_path / "nowhere"))
    assert load_dataset(name, data_dir=folder, notice=silent).name == "mnist"  # the argument goes first
    monkeypatch.setenv("NNAPPROX_DATA_DIR", "")
    write_folder(cache / "mnist", ARRAYS)
    assert load_dataset(name, notice=silent).name == "mnist"


def test_auto_falls_back_on_the_digits_and_says_so():
    notices = []
    assert load_dataset(notice=notices.append).name == "digits"
    assert len(notices) == 1
    for part in ("could not be downloaded (127.0.0.1:9: ", "bundled digits instead", "--data-dir"):
        assert part in notices[0]


def test_auto_goes_on_where_the_folder_lacks_the_files(tmp_path, cache):
    write_folder(cache / "mnist", ARRAYS)
    notices = []
    assert load_dataset("auto", data_dir=tmp_path, notice=notices.append).name == "mnist"
    assert len(notices) == 1
    assert "has no file train-images-idx3-ubyte" in notices[0]


def test_mnist_never_falls_back(tmp_path, cache):
    with pytest.raises(DatasetError, match=r"could not be downloaded .* --data-dir"):
        load_dataset("mnist", notice=silent)
    write_folder(cache / "mnist", ARRAYS)
    with pytest.raises(DatasetError, match="has no file train-images-idx3-ubyte"):
        load_dataset("mnist", data_dir=tmp_path, notice=silent)


@pytest.mark.parametrize("name", ["auto", "mnist"])
def test_a_file_that_is_not_the_original_is_refused(name, tmp_path):
    folder = write_folder(tmp_path / "folder", small_arrays(train=31))
    with pytest.raises(DatasetError, match="train-images-idx3-ubyte is not MNIST's"):
        load_dataset(name, data_dir=folder, notice=silent)


def test_paths(folder, tmp_path):
    np.savez(tmp_path / "mine.npz", x_train=np.eye(5), y_train=[0, 1, 0, 1, 0])
    (tmp_path / "mine.tsv").write_text("a\tb\n1\t0.5\n2\t1.5\n", encoding="utf-8")
    ignore = [].append
    assert load_dataset(folder, notice=silent).name == str(folder)
    assert load_dataset(str(folder), notice=silent).classes == 10
    assert load_dataset(tmp_path / "mine.npz", notice=ignore).classes == 2
    assert load_dataset(tmp_path / "mine.tsv", notice=ignore).y_train.ravel()[0] in (0.5, 1.5)
    assert load_dataset(tmp_path / "mine.tsv", target="a", notice=ignore).classes == 3


def test_a_folder_called_like_a_data_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "digits", ARRAYS)
    assert load_dataset("digits", notice=silent).inputs == 64
    own = load_dataset("./digits", notice=silent)
    assert (own.name, own.inputs) == ("./digits", 16)


def test_the_error_survives_the_way_from_another_process():
    error = UnavailableError("no connection")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("minst", "did you mean mnist"),
        ("MNIST", "did you mean mnist"),
        ("digit", "did you mean digits"),
        ("nothing/like/it.npz", "choose auto, digits, mnist, or the path"),
        ("", "no data set ''"),
        ("a\0b", "no data set"),
        ("x" * 5000, "no data set"),
        (__file__, "is no data set: give a folder"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(UsageError, match=message):
        load_dataset(name, notice=silent)


def test_a_target_is_for_tables_only(folder):
    for name in ("auto", "digits", folder):
        with pytest.raises(UsageError, match=r"\.csv and \.tsv files only"):
            load_dataset(name, target="a", notice=silent)


def test_notices_go_to_the_log_by_default(caplog):
    with caplog.at_level(logging.WARNING, logger="nnapprox"):
        load_dataset()
    assert [record.name for record in caplog.records if "bundled digits" in record.message] == ["nnapprox"]


def test_the_common_path_imports_nothing_that_is_slow(folder):
    code = (
        "import sys; from nnapprox.datasets import load_dataset; load_dataset(sys.argv[1]);"
        "print(sorted({'pooch', 'requests', 'platformdirs', 'logging', 'urllib.request'} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(nnapprox.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code, folder], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
    assert done.stderr == ""
