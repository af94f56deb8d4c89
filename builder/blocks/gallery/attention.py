"""Networks in which every step looks at all others."""

from builder.blocks.chain import block, chain, layer
from builder.blocks.gallery.exhibit import Family, network, pick, recipe, ten_classes
from builder.blocks.templates import make
from builder.problem import Json

FAMILY = Family("Attention")

VASWANI = "A. Vaswani et al., Attention is all you need, 2017, arXiv:1706.03762"
DOSOVITSKIY = "A. Dosovitskiy et al., An image is worth 16x16 words: transformers for image recognition at scale, 2020, arXiv:2010.11929"


@FAMILY.exhibit("vit-small", DOSOVITSKIY)
def vit_small() -> dict[str, Json]:
    """A picture cut into 64 patches of 4 x 4 pixels, read like a sentence of 64 words.

    No layer knows what is next to what, except for the encoding of places that is learned. With millions of pictures it
    beats convolutions. With the few here it learns them by heart and hardly knows a new one: look at both losses, and
    compare resnet20.
    """
    nodes = chain(
        layer("Input", id="image", shape=[3, 32, 32]),
        layer("Conv2d", id="patches", out_channels=64, kernel_size=4, stride=4),
        layer("Flatten", id="row", start_dim=2),
        layer("Permute", id="words"),
        layer("PositionalEncoding", id="places", learned=True),
        block("Encoder", id="encoder", repeat=4),
        layer("LayerNorm", id="norm"),
        layer("Mean", id="mean"),
        layer("Linear", id="scores", out_features=10),
    )
    encoder = make("TransformerEncoderBlock", {"dim_feedforward": 128})
    return ten_classes(nodes, pick("AdamW", lr=0.001), 20, blocks={"Encoder": encoder})


@FAMILY.exhibit("transformer-small", VASWANI)
def transformer_small() -> dict[str, Json]:
    """Which symbol did the sequence begin with?

    Every step looks at all others, so that the first is as near as the last; a recurrent network has to carry it along.
    Nothing would tell the first from the others if their places were not added to them: take the encoding away, and it
    can only guess. At the end the mean over all steps decides.
    """
    nodes = chain(
        layer("Input", id="symbols", shape=[12], axes="T", dtype="int64", classes=5),
        layer("Embedding", id="embedding", embedding_dim=32),
        layer("PositionalEncoding", id="places"),
        block("Encoder", id="encoder", repeat=2),
        layer("LayerNorm", id="norm"),
        layer("Mean", id="mean"),
        layer("Linear", id="scores", out_features=4),
    )
    encoder = make("TransformerEncoderBlock", {"d_model": 32, "dim_feedforward": 64, "dropout": 0.0})
    return {
        "network": network(nodes, blocks={"Encoder": encoder}),
        "data": {"source": pick("FirstSymbol")},
        "recipe": recipe("CrossEntropy", pick("Adam", lr=0.003), 50, 20),
    }
