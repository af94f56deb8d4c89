"""Parquet that pandas wrote, and Excel workbooks written by hand: the cells come back."""

import io
import zipfile
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from builder.problem import Refused
from builder.reading.profile import Array, Table
from builder.reading.reader import read
from builder.reading.wish import Wish


def table(data: bytes, **wish: Any) -> tuple[Table, dict[str, Array]]:
    profile, arrays = read(io.BytesIO(data), Wish(**wish))
    assert isinstance(profile, Table)
    assert {name: (array.dtype.str, array.shape) for name, array in arrays.items()} == profile.forms()
    return profile, arrays


def parquet(frame: pd.DataFrame, **how: Any) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file, **how)
    return file.getvalue()


@pytest.mark.parametrize("name", ["iris", "diabetes"])
@pytest.mark.parametrize("compression", ["snappy", "gzip", "zstd", None])
def test_a_set_in_parquet_comes_back_to_the_bit(name: str, compression: str | None) -> None:
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    profile, arrays = table(parquet(frame, index=False, compression=compression))
    for place, title in enumerate(frame.columns):
        if profile.columns[place].stored == "category":
            continue
        np.testing.assert_array_equal(arrays[f"column{place}"], frame[title].to_numpy(np.float64))
    target = profile.columns[-1]
    assert (target.role, target.stored) == ("target", "category" if name == "iris" else "number")
    if name == "iris":
        assert [target.labels[code] for code in arrays["column4"]] == [str(label) for label in frame.target]


def test_types_of_parquet() -> None:
    frame = pd.DataFrame({
        "whole": pd.array([1, None, 3], "Int64"),
        "small": np.array([1.5, np.nan, 2.5], np.float32),
        "yes": [True, False, True],
        "when": pd.to_datetime(["1969-12-31 23:59:59.5", None, "2020-02-29"], format="ISO8601"),
        "zoned": pd.to_datetime(["2020-01-01T12:00+05:00", "2020-01-02T00:00Z", "2020-01-03T00:00Z"], utc=True, format="ISO8601").tz_convert("Asia/Tokyo"),
        "kind": pd.Categorical(["b", None, "a"]),
        "word": ["x", None, "x"],
        "whole digits": ["01", "02", "03"],
    })  # fmt: skip
    profile, arrays = table(parquet(frame, index=False))
    stored = {column.name: (column.stored, column.missing) for column in profile.columns}
    assert stored == {
        "whole": ("number", 1), "small": ("number", 1), "yes": ("category", 0), "when": ("date", 1), "zoned": ("date", 0),
        "kind": ("category", 1), "word": ("category", 1), "whole digits": ("number", 0),
    }  # fmt: skip
    np.testing.assert_array_equal(arrays["column0"], [1, np.nan, 3])
    np.testing.assert_array_equal(arrays["column1"], [1.5, np.nan, 2.5])
    assert profile.columns[2].labels == ("false", "true") and arrays["column2"].tolist() == [1, 0, 1]
    np.testing.assert_array_equal(arrays["column3"], [-0.5, np.nan, datetime(2020, 2, 29, tzinfo=UTC).timestamp()])
    assert arrays["column4"].tolist() == [date.timestamp() for date in frame["zoned"]]
    assert profile.columns[5].labels == ("a", "b") and arrays["column5"].tolist() == [1, -1, 0]
    assert arrays["column6"].tolist() == [0, -1, 0]


def test_lists_in_parquet_are_a_problem() -> None:
    with pytest.raises(Refused) as refused:
        table(parquet(pd.DataFrame({"a": [1, 2], "many": [[1], [2, 3]]})))
    assert refused.value.problems[0].code == "reading/type" and "'many'" in refused.value.problems[0].because


def test_parquet_without_rows_or_columns_or_with_too_many_is_a_problem() -> None:
    records = pd.DataFrame({"a": [{f"field {n}": 1 for n in range(2_001)}]})
    for frame, code in (
        (pd.DataFrame({"a": [1]})[:0], "no-rows"), (pd.DataFrame(index=range(3)), "no-rows"), (records, "columns"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            table(parquet(frame))
        assert refused.value.problems[0].code == f"reading/{code}"


def test_bytes_in_parquet_are_a_problem() -> None:
    with pytest.raises(Refused) as refused:
        table(parquet(pd.DataFrame({"a": [1, 2], "raw": [b"\x80", b"\x81"]})))
    assert (
        refused.value.problems[0].code == "reading/type" and "'raw' holds binary" in refused.value.problems[0].because
    )


def test_wishes_of_parquet() -> None:
    data = parquet(pd.DataFrame({"a": [1, 2, 1], "b": ["x", "y", "z"]}))
    profile, arrays = table(data, kinds={"a": "category", "b": "text"}, rows=2)
    assert profile.rows == 2 and profile.columns[0].labels == ("1", "2")
    assert arrays["column1"].tobytes() == b"xy"


# Excel -----------------------------------------------------------------------------------------------------------

CONTENT = """<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"""
TOP = """<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>
</Relationships>"""
STYLES = """<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>"""
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
TO = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
SHEET_KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
STYLE_KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"


def cell(place: str, value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
        case datetime():
            days = (value - datetime(1899, 12, 30, tzinfo=UTC)).total_seconds() / 86_400
            return f'<c r="{place}" s="1"><v>{days}</v></c>'
        case int() | float():
            return f'<c r="{place}"><v>{value!r}</v></c>'
        case _:
            return f'<c r="{place}" t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


def workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    """An .xlsx with these rows, as ECMA-376 says."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", CONTENT)
        packed.writestr("_rels/.rels", TOP)
        packed.writestr("xl/styles.xml", STYLES)
        entries = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, 1))
        packed.writestr("xl/workbook.xml", f"<workbook {MAIN} {TO}><sheets>{entries}</sheets></workbook>")
        links = "".join(
            f'<Relationship Id="r{n}" Type="{SHEET_KIND}" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        links += f'<Relationship Id="s" Type="{STYLE_KIND}" Target="styles.xml"/>'
        packed.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{links}</Relationships>',
        )
        for number, rows in enumerate(sheets.values(), 1):
            lines = "".join(
                f'<row r="{r}">{"".join(cell(f"{chr(64 + c)}{r}", value) for c, value in enumerate(row, 1))}</row>'
                for r, row in enumerate(rows, 1)
            )
            packed.writestr(
                f"xl/worksheets/sheet{number}.xml", f"<worksheet {MAIN}><sheetData>{lines}</sheetData></worksheet>"
            )
    return file.getvalue()


def test_a_sheet_of_excel_comes_back_to_the_bit() -> None:
    frame = datasets.load_iris(as_frame=True).frame
    rows: list[list[object]] = [list(frame.columns), *([*map(float, row[:4]), int(row[4])] for row in frame.to_numpy())]
    profile, arrays = table(workbook({"flowers": rows}))
    assert (profile.format, profile.rows, profile.sheets, profile.sheet) == ("excel", 150, ("flowers",), "flowers")
    for place in range(4):
        np.testing.assert_array_equal(arrays[f"column{place}"], frame.iloc[:, place].to_numpy())
    assert profile.columns[4].labels == ("0", "1", "2") and profile.columns[4].role == "target"


def test_every_kind_of_cell_of_excel() -> None:
    day = datetime(2020, 2, 29, 18, tzinfo=UTC)
    rows: list[list[object]] = [
        ["number", "word", "yes", "when"], [1.25, "a & b", True, day], [None, "a & b", False, None], [3, None, True, day],
    ]  # fmt: skip
    profile, arrays = table(workbook({"one": rows}))
    assert [column.stored for column in profile.columns] == ["number", "category", "category", "date"]
    np.testing.assert_array_equal(arrays["column0"], [1.25, np.nan, 3])
    assert profile.columns[1].labels == ("a & b",) and arrays["column1"].tolist() == [0, 0, -1]
    assert arrays["column2"].tolist() == [1, 0, 1]
    np.testing.assert_array_equal(arrays["column3"], [day.timestamp(), np.nan, day.timestamp()])


def test_another_sheet_may_be_wished() -> None:
    data = workbook({"one": [["a", "b"], [1, 2]], "two": [["c", "d"], [3, 4]]})
    assert [column.name for column in table(data)[0].columns] == ["a", "b"]
    profile, _ = table(data, sheet="two")
    assert [column.name for column in profile.columns] == ["c", "d"] and profile.sheets == ("one", "two")
    with pytest.raises(Refused) as refused:
        table(data, sheet="three")
    assert refused.value.problems[0].because == "The workbook has 'one', 'two'."


def test_an_empty_sheet_is_a_problem() -> None:
    with pytest.raises(Refused) as refused:
        table(workbook({"one": []}))
    assert refused.value.problems[0].code == "reading/empty"
