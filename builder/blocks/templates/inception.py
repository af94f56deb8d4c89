"""Inception blocks (Szegedy et al. 2014, arXiv:1409.4842)."""

from typing import Literal

from pydantic import Field

from builder.blocks.chain import layer
from builder.blocks.template import Nodes, Template, convolution, graph
from builder.blocks.templates.fields import ADVANCED, Count
from builder.problem import Json


class Inception(Template):
    """Looks at the same image in four ways at once, with 1 x 1, 3 x 3 and 5 x 5 filters and with pooling, and puts what
    they find side by side.

    The 1 x 1 convolutions in front of the large ones keep the price down.
    """

    group, target = "Inception", ""
    formula = r"y = [f_{1}(x);\, f_{3}(x);\, f_{5}(x);\, f_{\max}(x)]"

    one: Count = Field(64, title="1 x 1", description="Filters of the first branch.")
    three_reduce: Count = Field(96, title="before 3 x 3", description="1 x 1 filters in front of the 3 x 3.")
    three: Count = Field(128, title="3 x 3", description="Filters of the second branch.")
    five_reduce: Count = Field(16, title="before 5 x 5", description="1 x 1 filters in front of the 5 x 5.")
    five: Count = Field(32, title="5 x 5", description="Filters of the third branch.")
    pool: Count = Field(32, title="behind pooling", description="1 x 1 filters behind the 3 x 3 pooling.")
    batch_norm: bool = Field(
        False, description="A batch norm behind each convolution, as torchvision has it.", json_schema_extra=ADVANCED
    )
    five_kernel: Literal[3, 5] = Field(
        5, description="torchvision's third branch looks 3 x 3.", json_schema_extra=ADVANCED
    )

    def _seen(self, name: str, channels: int, kernel_size: int, source: str) -> Nodes:
        """A convolution, its norm where there is one, and a ReLU that is called `name`."""
        conv, norm = f"{name}_conv", f"{name}_norm"
        nodes = [convolution(conv, channels, kernel_size, [source], bias=not self.batch_norm)]
        if self.batch_norm:
            nodes.append(layer("BatchNorm2d", id=norm, inputs=[conv], eps=0.001))
        return [*nodes, layer("ReLU", id=name, inputs=[nodes[-1]["id"]])]

    def graph(self) -> Json:
        nodes = [
            *self._seen("one", self.one, 1, "x"),
            *self._seen("three_reduce", self.three_reduce, 1, "x"),
            *self._seen("three", self.three, 3, "three_reduce"),
            *self._seen("five_reduce", self.five_reduce, 1, "x"),
            *self._seen("five", self.five, self.five_kernel, "five_reduce"),
            layer("MaxPool2d", id="max", inputs=["x"], kernel_size=3, stride=1, padding=1),
            *self._seen("pool", self.pool, 1, "max"),
        ]
        return graph([*nodes, layer("Concat", id="join", inputs=["one", "three", "five", "pool"])])
