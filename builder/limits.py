"""Every limit in one place. A limit that is met is a Problem that names it, never a crash."""

KIB, MIB, GIB = 2**10, 2**20, 2**30

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

# Engine and server
CHECKPOINTS = 20  # of one run
CHECKPOINT_BYTES = 2 * GIB  # of all of them together
RUNS_WAITING_PER_OWNER = 20
UPLOAD_BYTES = 50 * MIB
