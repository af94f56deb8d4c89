"""Tables in text are what pandas, which shares no code with the reader, reads: cell by cell."""

import csv
import io
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets

from builder.problem import Refused
from builder.reading.profile import Column, Reading, Table
from builder.reading.reader import read
from builder.reading.wish import Wish


def table(data: bytes | str, **wish: Any) -> Reading:
    profile, arrays = read(io.BytesIO(data.encode() if isinstance(data, str) else data), Wish(**wish))
    assert isinstance(profile, Table)
    assert {name: (array.dtype.str, array.shape) for name, array in arrays.items()} == profile.forms()
    return Reading(profile, arrays)


def column(reading: Reading, name: str) -> tuple[Column, list[Any]]:
    """A column and its cells: numbers, labels, texts; None for what is missing."""
    assert isinstance(reading.profile, Table)
    place = [column.name for column in reading.profile.columns].index(name)
    found = reading.profile.columns[place]
    if found.stored == "text":
        return found, reading.texts(place)
    values = reading.arrays[f"column{place}"].tolist()
    if found.stored == "category":
        return found, [None if code == -1 else found.labels[code] for code in values]
    return found, [None if math.isnan(value) else value for value in values]


def refused(data: bytes | str, **wish: Any) -> str:
    with pytest.raises(Refused) as error:
        table(data, **wish)
    (problem,) = error.value.problems
    assert len(problem.because) < 600
    return f"{problem.code}: {problem.because}"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["iris", "wine", "diabetes", "breast_cancer"])
def test_a_set_that_pandas_wrote_comes_back_to_the_bit(name: str, separator: str) -> None:
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    reading = table(frame.to_csv(index=False, sep=separator))
    assert isinstance(reading.profile, Table)
    assert (reading.profile.rows, len(reading.profile.columns)) == frame.shape
    assert reading.profile.delimiter == separator and reading.profile.header
    for title in frame.columns:
        found, values = column(reading, title)
        assert [float(value) for value in values] == frame[title].tolist()
        assert found.role == ("target" if title == "target" else "feature")
    target, _ = column(reading, "target")
    assert target.stored == ("number" if name == "diabetes" else "category")
    assert target.labels == (() if name == "diabetes" else tuple(str(label) for label in range(frame.target.nunique())))


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16-le"), ("utf-16-le", "utf-16-le"),
     ("utf-16-be", "utf-16-be"), ("cp1252", "cp1252")],
)  # fmt: skip
def test_every_encoding_gives_the_same_cells(encoding: str, told: str) -> None:
    text = "Größe,Straße\n1.5,Café\n2.5,Zoë\n"
    reading = table(text.encode(encoding))
    assert isinstance(reading.profile, Table) and reading.profile.encoding == told
    assert column(reading, "Größe")[1] == [1.5, 2.5]
    assert column(reading, "Straße")[1] == ["Café", "Zoë"]


def test_a_byte_that_windows_does_not_know_is_latin_1() -> None:
    reading = table(b"a,b\n1,caf\xe9\n2,\x81\n")
    assert isinstance(reading.profile, Table) and reading.profile.encoding == "latin-1"
    assert column(reading, "b")[1] == ["café", "\x81"]


def test_a_wished_encoding_is_taken() -> None:
    assert column(table("a,b\n1,€\n2,x\n".encode("cp1252"), encoding="latin-1"), "b")[1] == ["\x80", "x"]


TRICKY = 'name,says\nAda,"one, two"\nBob,"a ""quote"""\nEve,"two\nlines"\nZoë, blank\n'


def test_quotes_separators_and_line_ends_inside_of_cells() -> None:
    frame = pd.read_csv(io.StringIO(TRICKY), dtype=str, keep_default_na=False)
    reading = table(TRICKY, kinds={"name": "text", "says": "text"})
    for title in frame.columns:
        assert column(reading, title)[1] == frame[title].tolist()
    assert column(table(TRICKY.replace("\n", "\r\n"), kinds={"name": "text"}), "name")[1] == frame["name"].tolist()


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1, max_size=12)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=20))
def test_any_text_comes_back(rows: list[tuple[str, str]]) -> None:
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("first", "second"), *rows])
    wish = {"kinds": {"first": "text", "second": "text"}, "missing": (), "header": True, "delimiter": ","}
    reading = table(file.getvalue(), **wish)
    for place, name in enumerate(("first", "second")):
        # blanks alone are a missing value; all else stays as it came, with the blanks around it
        expected = [row[place] if row[place].strip() else "" for row in rows]
        found, values = column(reading, name)
        assert values == expected if found.kind != "empty" else not any(expected)


def test_a_decimal_comma_is_found_and_said() -> None:
    frame = datasets.load_wine(as_frame=True).frame
    reading = table(frame.to_csv(index=False, sep=";", decimal=","))
    assert isinstance(reading.profile, Table) and reading.profile.decimal == ","
    assert "Decimals stand behind a comma." in reading.profile.said
    for title in frame.columns:
        assert [float(value) for value in column(reading, title)[1]] == frame[title].tolist()


@pytest.mark.parametrize(
    ("text", "decimal", "thousands"),
    [
        ('a,b\n"1,234.5",x\n"-12,345,678.25",y\n7,z\n', ".", ","),
        ("a;b\n1.234,5;x\n-12.345.678,25;y\n7;z\n", ",", "."),
        ('a;b\n1 234.5;x\n12 345.25;y\n7;z\n', ".", " "),
        ("a\tb\n1'234.5\tx\n12'345.25\ty\n7\tz\n", ".", "'"),
    ],
)  # fmt: skip
def test_thousands_are_read_as_pandas_reads_them(text: str, decimal: str, thousands: str) -> None:
    separator = text[1]
    frame = pd.read_csv(io.StringIO(text), sep=separator, decimal=decimal, thousands=thousands)
    assert column(table(text), "a")[1] == frame["a"].tolist()


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [("1,234", ".", 1234.0), ("1.234", ",", 1234.0), ("1.234", ".", 1.234), ("1e3", ".", 1000.0), (".5", ".", 0.5),
     ("5.", ".", 5.0), ("+7", ".", 7.0), ("-1.5E-3", ".", -0.0015), ("1,5e2", ",", 150.0)],
)  # fmt: skip
def test_a_number_may_be_written_so(cell: str, decimal: str, value: float) -> None:
    found, values = column(table(f"a\tb\n{cell}\tx\n2\ty\n", decimal=decimal), "a")
    assert found.kind == "number" and values == [value, 2.0]


@pytest.mark.parametrize(
    "cell", ["1_000", "0x1F", "٣", "1,23", "0,123", "1,2345", "e5", "1e", "--1", "1 2", "12:30", "infinitely", "½"]
)
def test_what_is_no_number_stays_words(cell: str) -> None:
    found, values = column(table(f"a\tb\n{cell}\tx\n2\ty\n", decimal="."), "a")
    assert found.stored == "category" and values == [cell, "2"]


def test_german_numbers_of_three_decimals_are_told_by_their_semicolons() -> None:
    assert column(table("a;b\n1,234;x\n2,345;y\n"), "a")[1] == [1.234, 2.345]
    assert column(table('a,b\n"1,234",x\n"2,345",y\n'), "a")[1] == [1234.0, 2345.0]


def test_values_that_are_missing_are_those_that_pandas_finds() -> None:
    text = "a,b,c\n1,x,2020-01-01\n,?,\nNA,N/A,2020-01-03\nnull,y,NaN\n?,-,-\n5,null,2020-01-06\n"
    frame = pd.read_csv(io.StringIO(text), na_values=["?", "-"], parse_dates=["c"])
    reading = table(text)
    for title in frame.columns:
        found, values = column(reading, title)
        assert [value is None for value in values] == frame[title].isna().tolist()
        assert found.missing == frame[title].isna().sum() and found.distinct == frame[title].nunique()
    assert [column(reading, title)[0].kind for title in "abc"] == ["number", "category", "date"]
    assert isinstance(reading.profile, Table)
    assert any("'?' 2 times" in sentence and "nothing 2 times" in sentence for sentence in reading.profile.said)


def test_what_is_missing_may_be_wished() -> None:
    text = "a,b\n-999,NA\n2,x\n"
    assert column(table(text, missing=("-999",)), "a")[1] == [None, 2.0]
    assert column(table(text, missing=("-999",)), "b")[1] == ["NA", "x"]


@pytest.mark.parametrize(
    ("cells", "day_first"),
    [
        (["2020-02-29", "1969-12-31", "0001-01-01", "9999-12-31"], False),
        (["2020-02-29 12:34", "1900-01-01 00:00"], False),
        (["2020-02-29T12:34:56.789", "2021-01-01T00:00:00.5"], False),
        (["2020-02-29T12:34:56Z", "2020-02-29T12:34:56+05:30"], False),
        (["2020/2/29", "2021/12/1"], False),
        (["29.02.2020", "1.3.2021"], True),
        (["29/02/2020", "01/03/2021"], True),
        (["02/29/2020", "01/03/2021"], False),
        (["29.02.2020 17:05:09", "1.3.2021 00:00:00"], True),
    ],
)
def test_dates_are_those_of_pandas(cells: list[str], day_first: bool) -> None:
    found, values = column(table("a;b\n" + "\n".join(f"{cell};x" for cell in cells), delimiter=";"), "a")
    judged = [pd.Timestamp(pd.to_datetime(cell, dayfirst=day_first, utc=True)) for cell in cells]
    assert found.kind == "date" and values == [date.timestamp() for date in judged]


@pytest.mark.parametrize("cell", ["2021-02-29", "2020-13-01", "31.04.2020", "2020-01-01 25:00", "20.20.2020", "1/2/20"])
def test_what_is_no_date_stays_words(cell: str) -> None:
    assert column(table(f"a;b\n{cell};x\n2020-01-01;y\n", delimiter=";"), "a")[0].stored == "category"


def test_month_and_day_that_cannot_be_told_apart_are_said() -> None:
    assert "cannot be told apart" in column(table("a;b\n01/02/2020;x\n03/04/2020;y\n", delimiter=";"), "a")[0].because


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a,b\n1,2\n", True),
        ("1,2\n3,4\n", False),
        ("x,1\ny,2\n", False),
        ("x,2019\n1.5,3\n2.5,4\n", True),
        ("name,city\nAda,London\n", True),
        ("0,1,2\n5.1,3.5,1.4\n", True),  # pandas, of a frame without names
        ("name,2019,2020\nAda,1,2\n", False),  # a guess that is wrong, and can be wished away
        ("day,sold\n2020-01-01,3\n", True),
        (",a\n0,1\n", True),
    ],
)
def test_whether_there_is_a_header(text: str, header: bool) -> None:
    reading = table(text)
    assert isinstance(reading.profile, Table) and reading.profile.header is header
    assert reading.profile.rows == text.count("\n") - header
    wished = table(text, header=True).profile
    assert isinstance(wished, Table) and wished.rows == text.count("\n") - 1


KINDS = """id,code,same,nothing,colour,number,when,note,y
7,AB12,3,,red,1.5,2020-01-01,a first remark,0
9,CD34,3,NA,blue,2.5,2020-01-02,another remark here,1
4,EF56,3,?,red,,2020-01-03,and one more of them,0
1,GH78,3,-,red,4.5,2020-01-04,the very last remark,1
"""


def test_kinds_and_roles_are_guessed_with_a_reason() -> None:
    rows = KINDS.splitlines()
    # thirty rows, so that remarks are too many for categories, and codes enough to be codes
    rows += [
        f"{100 - n},Q{n:03},3,,blue,{n}.25,2021-01-{n % 28 + 1:02},remark number {n} of many,{n % 2}" for n in range(26)
    ]
    reading = table("\n".join(rows))
    assert isinstance(reading.profile, Table)
    found = {each.name: (each.kind, each.role) for each in reading.profile.columns}
    assert found == {
        "id": ("id-like", "ignored"), "code": ("id-like", "ignored"), "same": ("constant", "ignored"),
        "nothing": ("empty", "ignored"), "colour": ("category", "feature"), "number": ("number", "feature"),
        "when": ("date", "feature"), "note": ("text", "feature"), "y": ("category", "target"),
    }  # fmt: skip
    assert all(each.because and each.role_because for each in reading.profile.columns)
    assert reading.profile.columns[4].labels == ("blue", "red")
    assert [(each.label, each.count) for each in reading.profile.columns[4].common] == [("blue", 27), ("red", 3)]


def test_without_a_name_that_tells_the_last_column_is_the_target() -> None:
    reading = table("a,b,c,row\n1,x,2,1\n3,y,4,2\n5,z,7,3\n")
    assert isinstance(reading.profile, Table)
    assert [each.role for each in reading.profile.columns] == ["feature", "feature", "target", "ignored"]


def test_rows_that_are_counted_are_like_an_id_whatever_they_are_called() -> None:
    frame = pd.DataFrame({"x": [0.5, 0.25, 0.125], "y": [1.5, 2.5, 3.5]})
    reading = table(frame.to_csv())
    assert isinstance(reading.profile, Table)
    assert [(each.name, each.kind) for each in reading.profile.columns] == [
        ("column 1", "id-like"), ("x", "number"), ("y", "number"),
    ]  # fmt: skip


def test_labels_are_sorted_as_numbers_where_they_are() -> None:
    found, values = column(table("a,class\n" + "1.5,10\n2.5,9\n0.5,1\n" * 4), "class")
    assert found.labels == ("1", "9", "10") and values[:3] == ["10", "9", "1"]


def test_the_profile_of_numbers_is_that_of_numpy() -> None:
    values = np.random.default_rng(5).gamma(2.0, 3.0, 1_001)
    values[::7] = np.nan
    finite = values[~np.isnan(values)]
    found, _ = column(table(pd.DataFrame({"a": values, "b": "x"}).to_csv(index=False)), "a")
    told = found.numbers
    assert told is not None
    assert (told.smallest, told.largest) == (finite.min(), finite.max())
    assert told.mean == pytest.approx(finite.mean(), rel=1e-12)
    assert told.deviation == pytest.approx(finite.std(), rel=1e-12)
    assert told.quantiles == pytest.approx(np.quantile(finite, [0.05, 0.25, 0.5, 0.75, 0.95]), rel=1e-12)
    assert list(told.histogram) == np.histogram(finite, bins=20)[0].tolist()
    assert (found.missing, found.distinct, found.example) == (143, len(finite), repr(values[1].item()))


def test_numbers_at_the_end_of_float64_have_a_profile() -> None:
    found, values = column(table("a,b\n1e308,1\n-1e308,2\n1.5e308,5\n"), "a")
    assert values == [1e308, -1e308, 1.5e308]
    assert found.numbers is not None and found.numbers.mean == pytest.approx(0.5e308)
    assert found.numbers.histogram == (1, *[0] * 15, 1, 0, 0, 1)  # (1 + 1) / 2.5 * 20 = 16
    assert found.numbers.deviation == pytest.approx(math.sqrt((0.25 + 2.25 + 1) / 3) * 1e308)


def test_what_is_infinite_is_missing_and_said() -> None:
    found, values = column(table("a,b\n1e400,1\ninf,2\n1.5,5\n-Infinity,7\n"), "a")
    assert values == [None, None, 1.5, None] and "3 cells are infinite" in found.because


def test_names_that_are_empty_or_there_twice_are_changed_and_said() -> None:
    reading = table("a,,a,a 2,a\n1,2,3,4,5\n")
    assert isinstance(reading.profile, Table)
    assert [each.name for each in reading.profile.columns] == ["a", "column 2", "a 2", "a 2 2", "a 3"]
    assert any("'a' is 'a 2'" in sentence for sentence in reading.profile.said)
    long = table(f"{'x' * 200},b\n1,2\n").profile
    assert isinstance(long, Table) and long.columns[0].name == "x" * 80


def test_ragged_rows_are_a_problem_with_their_lines_or_left_out() -> None:
    text = 'a,b\n1,2\n"x\ny",4\n5\n6,7\n8,9,10\n'
    assert refused(text) == (
        "reading/ragged: The first row has 2 cells; line 5 has 1, line 7 has 3. Mend them, or skip such rows."
    )
    reading = table(text, skip_ragged=True)
    assert isinstance(reading.profile, Table) and (reading.profile.rows, reading.profile.skipped) == (3, 2)
    assert column(reading, "b")[1] == [2.0, 4.0, 7.0]
    assert "and 5 more" in refused("a,b\n" + "1\n" * 15)


def test_blank_lines_are_no_rows() -> None:
    assert column(table("a,b\n\n1,2\n\n3,4\n\n"), "a")[1] == [1.0, 3.0]


def test_what_a_column_is_may_be_wished() -> None:
    text = "a,b,c\n1,2020-01-01,x\n2,2020-01-02,y\n1,2020-01-03,x\n"
    reading = table(text, kinds={"a": "category", "b": "text", "c": "text"})
    assert column(reading, "a")[1] == ["1", "2", "1"]
    assert column(reading, "b")[1] == ["2020-01-01", "2020-01-02", "2020-01-03"]
    assert column(reading, "c")[1] == ["x", "y", "x"]
    assert column(table("id,b\n1,x\n2,y\n3,z\n", kinds={"id": "number"}), "id")[0].kind == "number"
    assert refused(text, kinds={"c": "number"}).startswith(
        "reading/kind: 'c' cannot be a number throughout: look at 'x'"
    )
    assert refused(text, kinds={"a": "date"}).startswith("reading/kind: 'a' cannot be a date throughout: look at '1'")
    assert refused(text, kinds={"d": "date"}).startswith("reading/column: No column is called 'd'. There are 'a', 'b'")


def test_too_many_labels_are_text_and_cannot_be_wished_to_be_a_category() -> None:
    text = "a,b\n" + "".join(f"w{n % 1_001},{n}\n" for n in range(3_003))
    assert column(table(text), "a")[0].stored == "text"
    assert "1,001 different values" in refused(text, kinds={"a": "category"})
    fewer = "a,b\n" + "".join(f"w{n % 1_000},{n}\n" for n in range(3_000))
    assert len(column(table(fewer), "a")[0].labels) == 1_000
    long = f"a,b\n{'x' * 201},1\ny,2\n"
    assert column(table(long), "a")[0].stored == "text"


def test_only_the_first_rows_may_be_wished() -> None:
    assert column(table("a,b\n1,2\n3,4\n5,6\n", rows=2), "a")[1] == [1.0, 3.0]


def test_one_column_is_a_table() -> None:
    reading = table("x\n1.5\n2.5\n")
    assert column(reading, "x")[1] == [1.5, 2.5]
    assert column(table("1\n3\n"), "column 1")[1] == [1.0, 3.0]


def test_a_separator_may_be_wished() -> None:
    reading = table("a;b,c\n1;2,3\n", delimiter=",")
    assert isinstance(reading.profile, Table) and [each.name for each in reading.profile.columns] == ["a;b", "c"]
