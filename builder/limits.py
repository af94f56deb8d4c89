"""Every limit in one place. A limit that is met is a Problem that names it, never a crash."""

import os
from typing import TypeVar

KIB, MIB, GIB = 2**10, 2**20, 2**30

Default = TypeVar("Default", int, None)


def given(name: str, default: Default) -> int | Default:
    """What a site set `name` to in its environment. Ends the process with a sentence where that is no number."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text)):
        raise SystemExit(f"{name} is {text[:40]!r}. It must be a whole number, 1 or more, or not be set at all.")
    return int(text)


# A design file
DESIGN_BYTES = 2 * MIB
DESIGN_DEPTH = 32  # nested lists and objects
NODES = 2_000  # in one network or block
BLOCK_DEPTH = 8  # blocks in blocks
REPEAT = 200
INPUTS_PER_NODE = 64
EXPANDED_NODES = 20_000  # after blocks are opened and repeated
TITLE = 80  # characters
LITERAL_VALUES = 10_000  # numbers in one `Values` initializer
UNDO_STEPS = 100

# A network
PARAMETERS = 200_000_000
SIGNAL_NUMBERS = 2**28  # in one output of one sample

# Data and training
SAMPLES = 1_000_000
DRAWN_NUMBERS = 100_000_000  # pixels of all pictures that a source draws: 400 MB
EPOCHS = 100_000
BATCH = 65_536
OBJECTIVES = 8
ACCUMULATION = 1_024  # batches added up in one step
THREADS = 256  # of one run

# Engine and server
CHECKPOINTS = 20  # of one run
CHECKPOINT_BYTES = 2 * GIB  # of all of them together
UPLOAD_BYTES = 50 * MIB

# The archive of one run
ARCHIVE_BYTES = 500_000_000  # of all its members, unpacked
ARCHIVE_MEMBERS = 20_000
ARCHIVE_RATIO = 100  # unpacked to packed
ARCHIVE_DIRECTORY_BYTES = 4 * MIB
HISTORY_BYTES = 32 * MIB
TENSORS_HEADER_BYTES = 8 * MIB
VIEW_BYTES = 16 * MIB
CARD_BYTES = DESIGN_BYTES  # what is told of the run, and of a picture

# A file of a person's own, read in a process of its own
READING_ADDRESSES = 3 * GIB // 2  # of that process, libraries and all
READING_SECONDS = 60  # by the clock, and of a core
READING_BYTES = 500_000_000  # of each file that it writes
PROFILE_BYTES = 16 * MIB
COLUMNS = 2_000
CELLS = 20_000_000  # rows times columns; rows are SAMPLES
CELL = 100_000  # characters
LINE = 4_000_000  # characters of a text
LABELS = 1_000  # of a column of categories, and classes of pictures
LABEL = 200  # characters
PIXELS = 25_000_000  # of one picture
PICTURE_BYTES = 20 * MIB  # of the file of one picture
PICTURE_NUMBERS = 200_000_000  # of all pictures, as they are read
SIDE = 1_024  # pixels of a side, as pictures are read
ARRAYS = 100  # in one file
ARRAY_BYTES = 400_000_000  # of all arrays in one file

# What people say about a run
TAGS = 20
TAG = 40  # characters
NOTES = 10_000  # characters
BIN_DAYS = 30  # until what was thrown away is deleted

# Probes: short looks at an experiment
PROBE_SECONDS = 60
PROBES_WAITING_PER_OWNER = 4
PROBES_PER_OWNER = 50  # kept
PROBE_HOURS = 24  # kept

# What one owner and one run may take. A site that serves others sets them by the environment variable of that name,
# with LAYERLAB_ before it; it reaches app, engine and command line alike. None: no limit of its own.
RUNS_GOING_PER_OWNER = given("LAYERLAB_RUNS_GOING_PER_OWNER", None)  # at once; else as many as the engine has slots
RUNS_WAITING_PER_OWNER = given("LAYERLAB_RUNS_WAITING_PER_OWNER", 20)
RUN_PARAMETERS = given("LAYERLAB_RUN_PARAMETERS", PARAMETERS)  # of its network; never more than PARAMETERS
RUN_SECONDS = given("LAYERLAB_RUN_SECONDS", None)  # of training
RUN_BYTES = given("LAYERLAB_RUN_BYTES", None)  # of memory
