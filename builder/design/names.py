"""Names that a node can bear: it becomes a submodule and a variable of the exported program."""

import keyword
import re
from collections.abc import Container

from builder.problem import say

PATTERN = re.compile(r"[a-z][a-z0-9_]{0,39}")

RESERVED = frozenset(
    """
    add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval extra_repr
    float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia
    named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule
    share_memory state_dict to to_empty train training type xpu zero_grad
    self torch nn
    """.split()  # noqa: SIM905  # a list would be fifty lines
)
"""Attributes of `nn.Module` (a submodule of that name would break it), and names that `forward` itself uses."""


BLOCK_PATTERN = re.compile(r"[A-Z][A-Za-z0-9]{0,39}")

BLOCK_RESERVED = frozenset({"DEVICE", "EPOCHS", "False", "None", "Path", "SEED", "Tensor", "THREADS", "True"})
"""What the exported program already has: a block becomes a class there."""


def why_not_block(name: str) -> str | None:
    """The reason why `name` cannot be a block's name, or null."""
    if not BLOCK_PATTERN.fullmatch(name):
        return say("A block's name is a capital letter followed by letters and digits, 40 at most.")
    if name in BLOCK_RESERVED:
        return say("{name} already means something to Python or in the exported program.", name=name)
    return None


def why_not(name: object) -> str | None:
    """The reason why `name` cannot be a node's id, or null."""
    if not isinstance(name, str) or not PATTERN.fullmatch(name):
        return say("An id is a small letter followed by small letters, digits and underscores, 40 at most.")
    if keyword.iskeyword(name) or name in RESERVED:
        return say("{name} already means something to Python or PyTorch.", name=name)
    return None


def legal(name: object) -> str:
    """The nearest legal id to `name`."""
    cleaned = re.sub(r"[^a-z0-9_]+", "_", str(name).lower()).strip("_")[:36] or "node"
    cleaned = cleaned if cleaned[0].isalpha() else f"n_{cleaned}"
    return f"{cleaned}_1" if why_not(cleaned) else cleaned


def fresh(base: str, taken: Container[str]) -> str:
    """`base`, or `base2`, `base3` ...: the first that is not taken."""
    base = legal(base)
    if base not in taken:
        return base
    stem = base.rstrip("0123456789") or base
    count = 2
    while f"{stem}{count}" in taken:
        count += 1
    return f"{stem}{count}"
