"""`docs/numbers.md` and the tests of this folder have the same rows, and no worked number is passed over in silence."""

import re
from pathlib import Path

HERE = Path(__file__).parent
COVERED, NOT_YET = (HERE.parents[1] / "docs" / "numbers.md").read_text(encoding="utf-8").split("## Not yet covered")
ROW = re.compile(r"^\| ([A-Z]\d+[ab]?) \|", re.MULTILINE)


def test_the_document_lists_exactly_the_rows_that_are_tested():
    tests = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    tested = set(re.findall(r"^def test_\w+_([a-z]\d+[ab]?)\(", tests, re.MULTILINE))
    listed = [row.lower() for row in ROW.findall(COVERED)]
    assert len(listed) == len(set(listed))
    assert tested == set(listed)


def test_every_worked_number_is_listed_as_covered_or_not_yet():
    known = {int(number) for number in re.findall(r"^\| W(\d+)", COVERED + NOT_YET, re.MULTILINE)}
    assert known == set(range(1, 40))


def test_every_row_says_what_it_is_what_is_right_and_where_that_is_from():
    for line in COVERED.splitlines():
        if ROW.match(line):
            assert all(len(cell.strip()) > 0 for cell in line.strip("|").split("|")) and line.count("|") == 5, line
