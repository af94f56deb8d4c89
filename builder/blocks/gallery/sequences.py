"""Networks that read one step after the other."""

from builder.blocks.chain import chain, layer
from builder.blocks.gallery.exhibit import Family, digits, network, pick, recipe
from builder.problem import Json

FAMILY = Family("Sequences")

ELMAN = "J. Elman, Finding structure in time, 1990"
HOCHREITER = "S. Hochreiter and J. Schmidhuber, Long short-term memory, 1997"
CHO = "K. Cho et al., Learning phrase representations using RNN encoder-decoder for statistical machine translation, 2014, arXiv:1406.1078"
SCHUSTER = "M. Schuster and K. Paliwal, Bidirectional recurrent neural networks, 1997"
GRAVES = (
    "A. Graves, A. Mohamed and G. Hinton, Speech recognition with deep recurrent neural networks, 2013, arXiv:1303.5778"
)


def _row_by_row(*reader: dict[str, Json]) -> dict[str, Json]:
    """A digit read from top to bottom, 8 pixels at a time; the last state decides."""
    nodes = chain(
        layer("Input", id="image", shape=[1, 8, 8]),
        layer("Reshape", id="rows", shape=[8, 8]),
        *reader,
        layer("Linear", id="scores", inputs=["reader:last"], out_features=10),
    )
    return {
        "network": network(nodes),
        "data": digits(),
        "recipe": recipe("CrossEntropy", pick("Adam", lr=0.005), 50, 20),
    }


def _first_symbol(reader: dict[str, Json], *lengths: dict[str, Json]) -> dict[str, Json]:
    """A sequence of symbols, each of which becomes numbers of its own; the last state decides."""
    nodes = chain(
        layer("Input", id="symbols", shape=[12], axes="T", dtype="int64", classes=5),
        layer("Embedding", id="embedding", embedding_dim=16),
        reader,
        layer("Linear", id="scores", inputs=["reader:last"], out_features=4),
    )
    return {
        "network": network([nodes[0], *lengths, *nodes[1:]]),
        "data": {"source": pick("FirstSymbol")},
        "recipe": recipe("CrossEntropy", pick("Adam", lr=0.005), 50, 20),
    }


def _adding(*reader: dict[str, Json]) -> dict[str, Json]:
    nodes = chain(
        layer("Input", id="sequence", shape=[20, 2]),
        *reader,
        layer("Linear", id="sum", inputs=[f"{reader[-1]['id']}:last"], out_features=1),
    )
    return {
        "network": network(nodes),
        "data": {"source": pick("AddingProblem")},
        "recipe": recipe("MSE", pick("Adam", lr=0.01), 50, 40),
    }


@FAMILY.exhibit("rnn-sequence", ELMAN)
def rnn_sequence() -> dict[str, Json]:
    """A digit read like a text, one row of pixels after the other: the network remembers in 32 numbers what it has
    seen.

    The same weights are used at every step. Eight steps are no trouble for it; make it remember for fifty, and its
    gradients fade.
    """
    return _row_by_row(layer("RNN", id="reader", hidden_size=32))


@FAMILY.exhibit("lstm-sequence", HOCHREITER)
def lstm_sequence() -> dict[str, Json]:
    """Which symbol did the sequence begin with? What follows it is noise, of another length each time.

    A cell behind gates carries the answer to the end. The lengths come in as well, so that the state is read where the
    sequence ends and not where its padding does: take that wire away, and it learns more slowly.
    """
    lengths = layer("Input", id="length", shape=[], axes="", dtype="int64")
    return _first_symbol(layer("LSTM", id="reader", inputs=["embedding", "length"], hidden_size=32), lengths)


@FAMILY.exhibit("gru-sequence", CHO)
def gru_sequence() -> dict[str, Json]:
    """The same with a GRU, which has two gates instead of the LSTM's three and three quarters of its weights, and is
    mostly as good. Nobody tells it how long the sequences are.
    """
    return _first_symbol(layer("GRU", id="reader", hidden_size=32))


@FAMILY.exhibit("sequence-lstm", HOCHREITER)
def sequence_lstm() -> dict[str, Json]:
    """The adding problem: remember two marked numbers of a sequence and add them up.

    A cell that is only ever added to, behind gates that open and close, carries a number over any distance. Look at the
    loss: 1/6 is what always answering 1 gets.
    """
    return _adding(layer("LSTM", id="lstm", hidden_size=32))


@FAMILY.exhibit("bidirectional-sequence", SCHUSTER)
def bidirectional_sequence() -> dict[str, Json]:
    """Two readers, one from the top and one from the bottom, and both have a say at the end: what comes later can
    explain what came before.
    """
    return _row_by_row(layer("LSTM", id="reader", hidden_size=24, bidirectional=True))


@FAMILY.exhibit("deep-sequence", GRAVES)
def deep_sequence() -> dict[str, Json]:
    """Three recurrent layers on top of each other: each reads what the one below it makes of the sequence, step by
    step.
    """
    return _row_by_row(layer("GRU", id="reader", hidden_size=32, num_layers=3))
