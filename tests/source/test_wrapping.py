"""Long statements are written as the formatter writes them."""

import subprocess
import sys

import pytest

from builder.source.call import WIDTH, wrapped


def formatted(source: str) -> str:
    """What `ruff format` makes of it."""
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", str(WIDTH), "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout


def names(count: int, length: int) -> list[str]:
    return [f"{chr(97 + at % 26)}{at}_".ljust(length, "x") for at in range(count)]


def statements(count: int, length: int) -> list[str]:
    """One of every form that the exported program has, with so many names of that length."""
    given = names(count, length)
    listed = ", ".join(given)
    return [
        f"x = self.layer({listed})",
        f"x = torch.cat(({listed}), dim=1)",
        f"self.first, self.second = self.layer({listed})",
        f"self.layer = nn.Conv2d(3, 64, kernel_size=({listed}), bias=False)",
        f"self.stage = nn.Sequential(*[{given[0]}() for _ in range(3)])",
        "x = " + " + ".join(given),
        "x = " + " * ".join(given),
        f"return {listed}",
        f"return ({given[0]},), ({given[-1]},), ({listed})",
        f"optimizer = torch.optim.SGD((p for p in network.parameters() if {given[0]}), lr=0.1, momentum={given[-1]})",
        f"if not isinstance(network.get_submodule(layer), ({listed})):",
        f"def forward(self, {listed}):",
    ]


@pytest.mark.parametrize(("count", "length"), [(2, 3), (2, 45), (4, 22), (4, 26), (4, 29), (5, 22), (9, 12), (12, 30)])
def test_a_statement_is_wrapped_as_the_formatter_would(count: int, length: int):
    blocks = [f"{line}\n            pass" if line.endswith(":") else line for line in statements(count, length)]
    source = "class Network:\n    def forward(self):\n        " + "\n\n        ".join(blocks) + "\n"
    assert wrapped(source) == formatted(source)


def test_words_stay_as_they_are():
    long = "word (" * 40
    for line in (f"    # {long}", f'    """{long}"""'):
        assert wrapped(line) == line


def test_brackets_in_quotes_are_no_brackets():
    line = "x = call(" + ", ".join(f'"({at}"' for at in range(30)) + ")"
    assert wrapped(line) + "\n" == formatted(line)
