"""What runs code, unpacks archives or shows a person's words as HTML is nowhere in the product (SAFETY 27)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.blocks import GALLERY, example
from builder.source import program

ROOT = Path(__file__).parents[2]

FILES = sorted([ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "builder").rglob("*.py")])

MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "tarfile", "yaml"}
NAMES = {"eval", "exec", "__import__"}
ATTRIBUTES = {
    "extractall",
    "unpack_archive",
    "os.system",
    "os.popen",
    "torch.load",
    "torch.save",
    "importlib.import_module",
}
FLAGS = {"allow_pickle", "unsafe_allow_html", "shell", "weights_only"}
"""Arguments that may be False and nothing else."""

ALLOWED: set[tuple[str, str]] = set()
"""File and word of what is there with a reason; so far there is none."""


def forbidden(source: str) -> Iterator[str]:
    """Every forbidden word that a program uses, wherever it got it from."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=imported):
                yield from (alias.name for alias in imported if alias.name.split(".")[0] in MODULES)
            case ast.ImportFrom(module=module, names=imported):
                dotted = [f"{module}.{alias.name}" for alias in imported]
                yield from (name for name in dotted if name.split(".")[0] in MODULES or name in ATTRIBUTES)
            case ast.Name(id=name) if name in NAMES:
                yield name
            case ast.Attribute(attr=name) if {name, ast.unparse(node)} & (ATTRIBUTES | {"exec", "__import__"}):
                yield ast.unparse(node)
            case ast.keyword(arg=word, value=value) if word in FLAGS and ast.unparse(value) != "False":
                yield word


def test_there_is_something_to_look_at():
    assert len(FILES) > 60
    assert {"app.py", "shell.py", "read.py"} <= {file.name for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_uses_what_is_forbidden(file: Path):
    place = str(file.relative_to(ROOT))
    assert {word for word in forbidden(file.read_text()) if (place, word) not in ALLOWED} == set()


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import pickle as p",
        "from pickle import loads",
        "import joblib.numpy_pickle",
        "eval('1')",
        "run = exec",
        "builtins.exec('1')",
        "torch.load(path)",
        "from torch import load",
        "archive.extractall(folder)",
        "import os; os.system('true')",
        "from os import system",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "st.markdown(text, unsafe_allow_html=True)",
        "subprocess.run(line, shell=True)",
        "__import__('os')",
        "importlib.import_module(name)",
    ],
)
def test_the_search_finds_what_it_is_for(source: str):
    assert list(forbidden(source))


def test_the_search_leaves_alone_what_is_allowed():
    allowed = "module.eval(); np.load(path, allow_pickle=False); 'pickle'; evaluate(); engine.exec_driver_sql('')"
    assert list(forbidden(allowed)) == []


@pytest.mark.parametrize("name", GALLERY)
def test_an_exported_program_uses_nothing_that_is_forbidden_and_names_no_folder(name: str):
    source = program(example(name))
    assert list(forbidden(source)) == []
    texts = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        if isinstance(node.value, str)
    ]
    for text in [*texts, *re.findall(r"#.*", source)]:
        assert not re.search(r"(^|[\s\"'(=])(/[A-Za-z]|~|[A-Za-z]:[\\/]|\\\\)", text), text
        assert str(ROOT) not in text and str(Path.home()) not in text
