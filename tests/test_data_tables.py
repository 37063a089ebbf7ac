"""`nn.data.from_table`: CSV files, data frames and dicts as features and target; the encoding kept for new rows."""

import numpy as np
import pytest

import autodiff as ad
import nn
import optim

CSV = """age,city,job,own,rent
20,Graz,,true,low
NA,"Wien, 1",cook,false,high
40, Graz,nurse,True,low
30,Linz,cook,false,mid
"""
COLUMNS = {
    "age": [20, None, 40, 30],
    "city": ["Graz", "Wien, 1", "Graz", "Linz"],
    "job": ["", "cook", "nurse", "cook"],
    "own": [True, False, True, False],
    "rent": ["low", "high", "low", "mid"],
}
NAMES = ["age", "city=Graz", "city=Linz", "city=Wien, 1", "job=cook", "job=nurse", "job=missing", "own"]


class Frame:
    """What is used of a DataFrame."""

    def __init__(self, columns):
        self._columns = {k: np.array(v, object if None in v else None) for k, v in columns.items()}
        self.columns = list(columns)

    def __getitem__(self, name):
        return self._columns[name]


@pytest.fixture
def file(tmp_path):
    def write(text, name="rents.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


def rows_of(columns):
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


# --- what comes out


@pytest.mark.parametrize("form", ["file", "text path", "frame", "dict", "rows", "arrays"])
def test_every_form_of_a_table_gives_the_same_arrays(form, file):
    source = {
        "file": lambda: file(CSV),
        "text path": lambda: str(file(CSV)),
        "frame": lambda: Frame(COLUMNS),
        "dict": lambda: COLUMNS,
        "rows": lambda: rows_of(COLUMNS),
        "arrays": lambda: COLUMNS | {"age": np.array([20, np.nan, 40, 30]), "own": ad.tensor([1.0, 0.0, 1.0, 0.0])},
    }[form]()
    table = nn.data.from_table(source, target="rent")
    spread = np.std([20, 40, 30])
    expected = np.array([
        [-10 / spread, 1, 0, 0, 0, 0, 1, 1],
        [0, 0, 0, 1, 1, 0, 0, -1],
        [10 / spread, 1, 0, 0, 0, 1, 0, 1],
        [0, 0, 1, 0, 1, 0, 0, -1],
    ])  # fmt: skip
    assert table.names == NAMES and table.classes == ["high", "low", "mid"]
    assert table.features.dtype == np.float32 and table.target.dtype == np.int64
    np.testing.assert_allclose(table.features, expected, rtol=1e-6)
    assert table.target.tolist() == [1, 0, 1, 2]
    np.testing.assert_array_equal(table.encoder(source), table.features)
    np.testing.assert_array_equal(table.encoder.target(source), table.target)


def test_a_target_of_numbers_is_a_column_and_without_one_there_is_none():
    table = nn.data.from_table(COLUMNS | {"rent": [1, 2, 3, 4.5]}, target="rent")
    assert table.target.tolist() == [[1.0], [2.0], [3.0], [4.5]] and table.target.dtype == np.float32
    assert table.classes == []
    table = nn.data.from_table(COLUMNS)
    assert table.target is None and table.names[-1] == "rent=mid"


def test_columns_may_be_dropped_or_read_as_categories():
    columns = {"zip": [8010, 1010.0, "8010"], "n": [1, 2, 3], "y": [0, 1, 1]}
    table = nn.data.from_table(columns, target="y", categories=["zip", "y"], drop=["n"])
    assert table.names == ["zip=1010", "zip=8010"] and table.classes == ["0", "1"]
    assert table.features.tolist() == [[0, 1], [1, 0], [0, 1]] and table.target.tolist() == [0, 1, 1]
    many = nn.data.from_table({"k": list(range(12))}, categories=["k"])
    assert many.names == [f"k={i}" for i in range(12)]  # in the order of the numbers


def test_missing_values_become_the_mean_a_feature_or_an_error():
    columns = {"a": [1.0, np.nan, 5.0], "b": [1.0, 2.0, 3.0], "c": ["x", None, "x"]}
    table = nn.data.from_table(columns, standardise=False)
    assert table.names == ["a", "b", "c=x", "c=missing"]
    assert table.features.tolist() == [[1, 1, 1, 0], [3, 2, 0, 1], [5, 3, 1, 0]]
    table = nn.data.from_table(columns, missing="indicator", standardise=False)
    assert table.names == ["a", "a is missing", "b", "c=x", "c=missing"]
    assert table.features[:, 1].tolist() == [0, 1, 0]
    for wrong in ("a", "c"):
        with pytest.raises(ValueError, match=rf"column '{wrong}', row 1 of the table: the value is missing.*leave the"):
            nn.data.from_table({wrong: columns[wrong]}, missing="error")


@pytest.mark.parametrize("text", ["", "NA", "NaN", " null ", "?", None, float("nan"), np.float32("nan")])
def test_what_stands_for_a_missing_value(text):
    assert nn.data.from_table({"a": [1, text, 3]}, standardise=False).features.ravel().tolist() == [1, 2, 3]
    assert nn.data.from_table({"a": ["x", text, "y"]}).names == ["a=x", "a=y", "a=missing"]


def test_columns_of_mixed_objects():
    values = [True, 1, "1", 2.5, np.int64(3), np.float32(0.5), None]
    assert nn.data.from_table({"a": values}, standardise=False).features[:-1].ravel().tolist() == [1, 1, 1, 2.5, 3, 0.5]
    table = nn.data.from_table({"a": [True, 1, "1", ["odd"], 2j]}, categories=["a"])  # a list is no key of a dict
    assert set(table.names) == {"a=True", "a=1", "a=['odd']", "a=2j"}
    assert nn.data.from_table({"a": ["1_000", "x"]}).names == ["a=1_000", "a=x"]


def test_other_marks_may_stand_for_a_missing_value():
    table = nn.data.from_table({"a": ["1", "-", "3"]}, missing_values=["-"], standardise=False)
    assert table.features.ravel().tolist() == [1, 2, 3]
    np.testing.assert_array_equal(table.encoder({"a": ["-"]}), [[2.0]])


def test_numbers_have_mean_0_and_deviation_1_and_a_constant_stays_finite():
    rng = np.random.default_rng(0)
    columns = {"a": rng.normal(5, 3, 50), "b": np.full(50, 0.1), "c": rng.normal(size=50) * 1e-9}
    x = nn.data.from_table(columns).features
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(x.std(axis=0), [1, 0, 1], rtol=1e-5)
    plain = nn.data.from_table(columns, standardise=False).features
    np.testing.assert_allclose(plain, np.stack(list(columns.values()), axis=1), rtol=1e-6)


def test_files_of_other_customs(file):
    table = nn.data.from_table(file("\ufeffa;b\n1,5;x\n\n2,5;y\n"), delimiter=";", decimal=",", standardise=False)
    assert table.names == ["a", "b=x", "b=y"] and table.features[:, 0].tolist() == [1.5, 2.5]
    table = nn.data.from_table(file('a,b\n1,"two\nlines"\n2,"say ""b"""\n'))
    assert table.names == ["a", 'b=say "b"', "b=two\nlines"]


# --- new rows


def test_new_rows_are_encoded_as_the_table_was(file):
    table = nn.data.from_table(file(CSV), target="rent")
    new = table.encoder({"age": 40, "city": "Linz", "job": None, "own": True, "more": "ignored"})
    np.testing.assert_allclose(new, [[table.features[2, 0], 0, 1, 0, 0, 0, 1, 1]], rtol=1e-6)
    new = table.encoder([{"age": "", "city": "Graz", "job": "cook", "own": "false"}] * 2)
    np.testing.assert_allclose(new, [[0, 1, 0, 0, 1, 0, 0, -1]] * 2)
    with pytest.raises(ad.DomainError, match=r"TableEncoder: column 'city', row 0 .*'Bonn' is unknown.*'Graz', 'Linz'"):
        table.encoder({"age": 40, "city": "Bonn", "job": None, "own": True})
    with pytest.raises(ad.StructureError, match=r"no column 'job'; it has 'age', 'city'\."):
        table.encoder({"age": 40, "city": "Graz"})
    lenient = nn.data.from_table(COLUMNS, target="rent", unknown="zeros").encoder
    assert lenient({"age": 40, "city": "Bonn", "job": "cook", "own": True})[0, 1:4].tolist() == [0, 0, 0]
    with pytest.raises(ad.DomainError, match="'dear' is unknown"):
        lenient.target({"rent": ["low", "dear"]})
    with pytest.raises(ad.StructureError, match=r"without a target; give from_table\(target="):
        nn.data.from_table({"a": [1, 2]}).encoder.target({"a": [1]})


def test_the_encoder_is_saved_with_the_model_and_rebuilt_from_its_state(tmp_path, file):
    table = nn.data.from_table(file(CSV), target="rent", missing="indicator")
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(len(table.names), 8), nn.Tanh(), nn.Linear(8, 3))
    model.encoder = table.encoder
    options = {"batch_size": 2, "progress": False, "checkpoint": tmp_path / "run.npz"}
    data = (table.features, table.target)
    nn.fit(model, optim.Adam(model.parameters()), nn.cross_entropy, data, epochs=2, **options)
    nn.fit(model, optim.Adam(model.parameters()), nn.cross_entropy, data, epochs=4, **options)
    nn.save(tmp_path / "model.npz", model.state_dict())

    saved = nn.load(tmp_path / "model.npz")
    encoder = nn.data.TableEncoder({k.removeprefix("encoder."): v for k, v in saved.items() if k.startswith("encoder")})
    np.testing.assert_array_equal(encoder(COLUMNS), table.features)
    np.testing.assert_array_equal(encoder.target(COLUMNS), table.target)
    assert encoder.names == table.names and encoder.classes == table.classes
    assert repr(encoder) == f"TableEncoder(4 columns to {len(table.names)} features)"
    again = nn.Sequential(nn.Linear(len(encoder.names), 8), nn.Tanh(), nn.Linear(8, len(encoder.classes)))
    again.encoder = encoder
    again.load_state_dict(saved)
    np.testing.assert_array_equal(again(again.encoder(COLUMNS)).data, model(table.features).data)


def test_the_means_are_those_of_the_rows_that_were_given():
    train, test = {"a": [0.0, 2.0], "y": [0.0, 1.0]}, {"a": [4.0, np.nan], "y": [1.0, 3.0]}
    table = nn.data.from_table(train, target="y")
    assert table.encoder(test).tolist() == [[3.0], [0.0]] and table.encoder.target(test).tolist() == [[1.0], [3.0]]


@pytest.mark.parametrize("state", [{}, {"mean": 1.0}, None])
def test_what_is_no_state_of_an_encoder_is_refused(state):
    with pytest.raises(ad.StructureError, match=r"must hold description, mean, scale.*'encoder\.'"):
        nn.data.TableEncoder(state)


# --- what cannot be read


BROKEN = {
    "a word among numbers": (
        "a,b\n1,2\n2,3\nthree,4\n", {}, ValueError,
        r"column 'a', line 4 of 'rents\.csv': 'three' is not a number, and 2 of 3.*missing_values=.*categories=\['a'\]",
    ),
    "a line that is too short": (
        'a,b\n1,2\n"x\ny"\n', {}, ValueError, r"line 4 of 'rents\.csv' has 1 fields, and the header 2.*double quotes",
    ),
    "another delimiter": ("a;b\n1;2\n", {}, ValueError, r"one column only, 'a;b'.*give delimiter=';'"),
    "decimal commas": (
        "a;b\n" + "".join(f"{i},5;1\n" for i in range(101)), {"delimiter": ";"}, ValueError, "give decimal=','",
    ),
    "an empty file": ("", {}, ValueError, "'rents.csv' is empty; its first line must name the columns"),
    "a header alone": ("a,b\n", {}, ad.ShapeError, "'rents.csv' has no rows"),
    "no header": ("1,2\n3,4\n", {}, ValueError, r"holds the numbers \['1', '2'\]. Add a header"),
    "a name twice": ("a,b,a\n1,2,3\n", {}, ValueError, "each once; 'a' is there twice"),
    "a column without a name": ("a,,c\n1,2,3\n", {}, ValueError, "'' is empty"),
    "a column without a value": ("a,b\n1,\n2,NA\n", {}, ValueError, r"'b' of .* holds no value.*drop=\['b'\]"),
    "infinity": ("a,b\n1,2\ninf,2\n", {}, ValueError, "column 'a', line 3 .*'inf' is not a finite number"),
    "names": (
        "a\n" + "".join(f"name {i}\n" for i in range(101)), {}, ValueError,
        r"'a' of 'rents\.csv' has 101 different texts in 101 rows, such as 'name 0'\. Leave it out, drop=\['a'\]",
    ),
    "an unknown target": ("age,b\n1,2\n", {"target": "agee"}, ad.StructureError, "'agee'; did you mean 'age'"),
    "an unknown column to drop": ("a,b\n1,2\n", {"drop": ["q"]}, ad.StructureError, "no column 'q'; it has 'a', 'b'"),
    "a missing target": ("a,y\n1,2\n1,\n", {"target": "y"}, ValueError, "column 'y', line 3 .*missing, and must not"),
    "nothing but a target": ("y\n1\n", {"target": "y"}, ad.StructureError, "no column beside the target"),
    "a name for a list": ("a,b\n1,2\n", {"drop": "a"}, TypeError, r"drop must be a list of texts; give drop=\['a'\]"),
    "a wrong way with gaps": ("a\n1\n", {"missing": "median"}, ValueError, "'indicator', 'error'; 'median' was"),
    "a wrong way with categories": ("a\n1\n", {"unknown": "ignore"}, ValueError, "'error', 'zeros'; 'ignore' was"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "options", "error", "told"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_names_the_place_and_the_mend(file, text, options, error, told):
    with pytest.raises(error, match="(?s)from_table: .*" + told):
        nn.data.from_table(file(text), **options)


@pytest.mark.parametrize(
    ("source", "error", "told"),
    [
        (np.ones((3, 2)), TypeError, r"dict of columns.*a ndarray was given.*\"a\": array\[:, 0\]"),
        (3, TypeError, "a int was given"),
        ({"a": [1, 2], "b": [1]}, ad.ShapeError, r"same number of rows; they have \{'a': 2, 'b': 1\}"),
        ({"a": np.ones((2, 2))}, ad.ShapeError, r"one axis; an array of shape \(2, 2\)"),
        ({"day": np.array(["2024-01-01", "2024-02-01"], "M8[D]")}, ad.DtypeError, r"'day' holds dates.*drop=\['day'\]"),
    ],
)
def test_what_is_no_table_is_refused(source, error, told):
    with pytest.raises(error, match=told):
        nn.data.from_table(source)


def test_a_file_in_another_encoding_says_so(file):
    with pytest.raises(ValueError, match=r"from_table: 'rents\.csv' is not a text in UTF-8 .*Save it as UTF-8"):
        nn.data.from_table(file("a,stra\u00dfe\n1,2\n", encoding="latin-1"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        nn.data.from_table("nowhere.csv")


def test_a_point_separates_thousands_where_the_comma_is_the_decimal(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1.234;1\n12;2\n1.234,5;3\n")
    table = nn.data.from_table(path, target="b", delimiter=";", decimal=",", standardise=False)
    assert table.features[:, 0].tolist() == [1234.0, 12.0, 1234.5]


def test_names_may_be_numbers_and_missing_values_are_a_list():
    table = nn.data.from_table({0: [1.0, 2.0], 1: ["a", "b"], 2: [3.0, 4.0]}, target=2, drop=[0])
    assert table.encoder.names == ["1=a", "1=b"] and table.target.ravel().tolist() == [3.0, 4.0]
    with pytest.raises(TypeError, match=r"missing_values must be a list of texts; give missing_values=\['NA'\]"):
        nn.data.from_table({"a": ["1", "NA"]}, missing_values="NA")


def test_whole_numbers_are_one_category_however_they_are_written():
    table = nn.data.from_table({"k": ["1.0", "2.0", "3.10", "0700"]}, categories=["k"])
    assert table.names == ["k=1", "k=2", "k=3.10", "k=0700"]
    rows = table.encoder({"k": [1, 1.0, "1", "1.00", "2.0", "3.10", "0700"]})
    assert rows.argmax(axis=1).tolist() == [0, 0, 0, 0, 1, 2, 3]


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1.0, 1e200, 1e307])
def test_columns_of_any_size_are_standardised(size):
    features = nn.data.from_table({"a": [size, 2 * size, 3 * size], "b": [1.0, 1.0, 1.0]}).features
    np.testing.assert_allclose(features[:, 0], [-(1.5**0.5), 0, 1.5**0.5], rtol=1e-2 if size < 1e-300 else 1e-6)


@pytest.mark.parametrize(
    ("source", "options", "told"),
    [
        ({"a": [1.0, 2.0]}, {"drop": 2}, r"drop must be a list of texts; give drop=\[2\]"),
        ({0: [1.0], "0": [2.0]}, {}, r"two columns have the same name as text: \[0, '0'\]. Rename"),
    ],
)
def test_names_that_are_numbers_are_told(source, options, told):
    with pytest.raises((TypeError, ad.StructureError), match=told):
        nn.data.from_table(source, **options)


@pytest.mark.parametrize("columns", [{"a": [1.0, 2.0], "y": [1e300, 2.0]}, {"a": [1e300, 2.0], "y": [1.0, 2.0]}])
def test_a_number_that_float32_cannot_hold_is_named(columns):
    with pytest.raises(ad.DomainError, match=r"1e\+300 does not fit float32"):
        nn.data.from_table(columns, target="y", standardise=False)
