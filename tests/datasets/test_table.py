import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox.datasets.table import load_csv
from nnapprox.errors import DatasetError, UsageError


@pytest.fixture
def load(tmp_path):
    path = tmp_path / "mine.csv"

    def load(content, target=None):
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        data = load_csv(str(path), target, lambda text: None)
        x = np.concatenate([data.x_train, data.x_test])
        y = np.concatenate([data.y_train, data.y_test])
        order = np.lexsort(x.T[::-1])
        return data, x[order].tolist(), y[order].tolist()

    return load


@pytest.mark.parametrize(
    "content",
    [
        "1,2,0\n3,4,1\n5,6,1\n",
        "a,b,label\n1,2,0\n3,4,1\n5,6,1",
        "\n\na;b;label\r\n1;2;0\r\n\r\n3;4;1\r\n5;6;1\r\n \r\n",
        "\ufeffa\tb\tlabel\n1\t2\t0\n3\t4\t1\n5\t6\t1\n",
        '"1","2","0"\n 3 , 4 , 1 \n5e0,+6,1\n',
        "a,b,kind\n1,2,cat\n3,4,dog\n5,6,dog\n",
        "1,2,cat\n3,4,dog\n5,6,dog\n",
    ],
)
def test_labels(load, content):
    data, x, y = load(content)
    assert (data.classes, data.inputs, data.divisor, data.x_train.dtype) == (2, 2, 1, np.float64)
    assert x == [[1, 2], [3, 4], [5, 6]]
    assert y == [0, 1, 1]


@pytest.mark.parametrize(
    ("content", "target"),
    [
        ("y,a,b\n0.5,1,2\n7,3,4\n", "y"),
        ("y,a,b\n0.5,1,2\n7,3,4\n", "0"),
        ("0.5,1,2\n7,3,4\n", "0"),
        ("1,0.5,2\n3,7,4\n", "1"),
        ("0,y,1\n1,0.5,2\n3,7,4\n", "y"),
    ],
)
def test_the_target_by_name_or_position(load, content, target):
    data, x, y = load(content, target)
    assert data.classes is None
    assert x == [[1, 2], [3, 4]]
    assert y == [[0.5], [7]]


@pytest.mark.parametrize("targets", [("0.0", "1.0"), ("-1", "1"), ("0", "1000"), ("1e300", "2"), ("0", "9" * 300)])
def test_other_numbers_are_targets_of_a_regression(load, targets):
    data, _, y = load("1,{}\n2,{}\n".format(*targets))
    assert data.classes is None
    assert y == [[float(target)] for target in targets]


def test_a_row_is_never_taken_for_a_header_because_its_target_is_that_position(load):
    _, x, _ = load("1,2,0\n3,4,1\n", "1")
    assert x == [[1, 0], [3, 1]]


@pytest.mark.parametrize("target", ["c", "3", "-1", "9" * 5000, "", "nan"])
def test_no_such_column(load, target):
    with pytest.raises(UsageError, match="has no column"):
        load("a,b,label\n1,2,0\n3,4,1\n", target)
    with pytest.raises(UsageError, match=r"0\.\.2, as it has no header"):
        load("1,2,0\n3,4,1\n", target)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no two columns"),
        ("\n\n", "has no two columns"),
        ("1\n2\n", "has no two columns"),
        ("a,b\n", "holds no samples"),
        ("1,2\n", "1 samples without a test set"),
        ("a,b,c\n1,2,0\n\n3,4\n", "line 4: a row of 2 cells, where the first row has 3"),
        ("1,2,0\n3,4,1,5\n", "line 2: a row of 4 cells"),
        ("1,2,0\n,,\n", "line 2: '' in column 0 is not a number"),
        ("a,b,c\n1,x,0\n3,4,1\n", "line 2: 'x' in column b is not a number"),
        ("c,a,b\n0,1,2\n1,3,nan\n", "line 3: 'nan' is|line 3: the target 'nan' is not finite"),
        ("1,2,0\n3,NaN,1\n", "line 2: nan in column 1 is not finite"),
        ("1,2,0\n3,-1e999,1\n", "line 2: -inf in column 1 is not finite"),
        ("1,2,0.5\n3,4,inf\n", "line 2: the target 'inf' is not finite"),
        ("1,2,0.5\n3,4,\n", "line 2: the target is missing"),
        ("1,2,cat\n3,4,\n", "line 2: the target is missing"),
        ("1,2,cat\n3,4,5\n", "line 2: the target '5' is a number, unlike the first one"),
        ("1,2,5\n3,4,cat\n", "line 2: the target 'cat' is not a number, unlike the first one"),
        ("NA,2,0\n3,4,1\n", "line 1: 'NA' in column 0 is not a number"),
        ("0,1,label\n1,2,0\n3,4,1\n", "line 2: the target '0' is a number"),
        ('1,2,0\n3,"4,1\n', "line 2: unexpected end of data"),
        ("1,2,0\n3," + "4" * 200_000 + ",1\n", "line 2: field larger than"),
        ("1,2,0\n3," + "x" * 100_000 + ",1\n", r"line 2: 'x+\.\.\.x+' in column 1"),
        ("1,2,0\n3,\0,1\n", "line 2"),
        (b"1,2,\xff\n", "not UTF-8"),
        ("1,0\n2,0\n", "at least two classes"),
        ("".join(f"{i},t{i}\n" for i in range(1001)), "1,001 different texts"),
    ],
)
def test_refused(load, content, message):
    with pytest.raises(DatasetError, match=message) as caught:
        load(content)
    assert "mine.csv" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_folder_or_nothing_in_its_place(tmp_path):
    for path in (tmp_path, tmp_path / "nothing.csv"):
        with pytest.raises(DatasetError, match=f"cannot read .*{path.name}"):
            load_csv(str(path), None, lambda text: None)


@given(st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 1)), min_size=10))
def test_numbers_are_read_as_python_writes_them(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "numbers.csv"
    path.write_text("".join(f"{x!r},{y}.\n" for x, y in rows), encoding="utf-8")
    data = load_csv(str(path), None, lambda text: None)
    read = np.hstack([np.vstack([data.x_train, data.x_test]), np.vstack([data.y_train, data.y_test])])
    assert sorted(map(tuple, read.tolist())) == sorted(rows)
