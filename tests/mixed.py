"""What the kinds of parameters are told apart with."""

from torch import nn

from builder.compile.modules import LearnedEncoding


class Mixed(nn.Module):
    """A parameter of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.encoding = LearnedEncoding(3, 4)
        self.recurrent = nn.LSTM(4, 4)
        self.norm = nn.LayerNorm((3, 4))
        self.convolution = nn.Conv1d(4, 5, 3)
        self.batch_norm = nn.BatchNorm1d(5)
        self.slope = nn.PReLU(5)
        self.attention = nn.MultiheadAttention(4, 2, add_bias_kv=True)
        self.frozen = nn.Linear(5, 5).requires_grad_(False)
        self.again = self.dense = nn.Linear(5, 2)
