"""`python -m builder gallery`: the tables of the blocks' README, printed or written."""

from pathlib import Path

import pytest

from builder.blocks import readme

README = Path(readme.__file__).with_name("README.md")


def test_gallery_prints_the_tables_of_the_readme(layerlab) -> None:
    said = layerlab("gallery")
    assert (said.code, said.err) == (0, "")
    assert README.read_text(encoding="utf-8").endswith(f"{readme.MARK}\n\n{said.out}")


def test_gallery_writes_below_the_mark_and_leaves_the_rest(layerlab, tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    by_hand = "# Blöcke \xff".encode("latin-1") + f"\n\n{readme.MARK}\n".encode()  # not a byte of it is read as text
    file.write_bytes(by_hand + b"old tables")
    said = layerlab("gallery", "--write", str(file))
    assert (said.code, said.out) == (0, "")
    assert file.read_bytes() == by_hand + b"\n" + layerlab("gallery").out.encode()


@pytest.mark.parametrize("content", [None, "", "# Notes\n"])
def test_a_file_that_cannot_take_the_tables_is_told_and_left_as_it_is(
    layerlab, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "README.md"
    if content is not None:
        file.write_text(content)
    said = layerlab("gallery", "--write", str(file))
    assert (said.code, said.out) == (2, "")
    assert ("file/missing" if content is None else "file/no-mark") in said.err
    assert (file.read_text() if file.exists() else None) == content


def test_a_folder_that_cannot_be_written_to_is_told(layerlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "README.md"
    file.write_text(readme.MARK)

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("builder.files.write", full)
    said = layerlab("gallery", "--write", str(file))
    assert said.code == 2
    assert "No space left on device" in said.err
