"""How much memory a run will take: an estimate from shapes alone, before anything is built."""

from dataclasses import dataclass

from builder.analysis.experiment import input_columns, target_columns
from builder.analysis.liveness import NUMBER, most_of_answering, most_of_learning
from builder.analysis.network import Analysis, analyze
from builder.design.experiment import Experiment, Precision

NARROW = 2
"""Bytes of a number in bfloat16 or float16."""
LIBRARIES = 2**27
"""What PyTorch loads with the first steps of training: 100 to 130 MB measured."""
JUDGED_AT_ONCE = 1_024
JUDGED_NUMBERS = 2**26
"""In the largest output of all samples that are judged together: 256 MiB."""

MEASURED = 4
"""Times that the answers for a whole part of the data are in memory while the last metrics are worked out of them."""


AUGMENTED, PLACES = 3, 2
"""Where pictures are augmented: times that the samples of a step are there besides while they are, and numbers of each pixel that say where it comes from."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes. `fixed`: libraries, weights, gradients, what the optimizer remembers, buffers. `sample`: of each sample of a batch.

    `judging` a whole part of the data takes no gradients. `answering` is all that a trained network needs for one sample.
    """

    fixed: int
    data: int
    sample: int
    batch: int
    judging: int
    answering: int

    def of_batch(self, batch: int) -> int:
        """Of a run with so many samples in memory at once."""
        return self.fixed + self.data + max(batch * self.sample, self.judging)

    @property
    def total(self) -> int:
        return self.of_batch(self.batch)

    @property
    def tensors(self) -> int:
        """Without what PyTorch loads."""
        return self.total - LIBRARIES

    def largest_batch(self, available: int) -> int:
        """Samples at once for which so many bytes are enough; 0 where not even one fits."""
        left = available - self.fixed - self.data
        return max(0, left // max(1, self.sample)) if left >= self.judging else 0


def judged_at_once(analysis: Analysis) -> int:
    """Samples that are judged together: fewer where a network has large outputs inside."""
    return max(1, min(JUDGED_AT_ONCE, JUDGED_NUMBERS // max(1, _largest(analysis))))


def estimate(experiment: Experiment, precision: Precision = "float32") -> Estimate:
    """Of training on one device. What a process takes before is not in it.

    Weights and gradients are one number each a parameter (gradients of what learns), the optimizer's `slots` more;
    averages and best weights are a copy each. What a sample takes is followed tensor by tensor (`liveness`). Where products
    are narrow, so are nearly all outputs, and a narrow copy of the weights stands beside them.
    """
    analysis, recipe, data = analyze(experiment.network), experiment.recipe, experiment.data
    copies = 1 + (recipe.ema is not None) + bool(recipe.early_stopping and recipe.early_stopping.restore)
    numbers = analysis.parameters * copies + analysis.trainable * (1 + recipe.optimizer.slots()) + analysis.buffers
    samples = data.source.samples_total()
    columns = data.source.columns()
    used = [*input_columns(experiment).values(), *target_columns(experiment)]
    sample = sum(columns[name].bytes for name in used if name in columns)
    parts = data.split.sizes(samples)
    rows, ends = list(analysis.expanded()), analysis.ends(experiment.network.outputs)
    narrow = precision not in ("float32", "tf32")
    answering = most_of_answering(rows, ends)
    learning = most_of_learning(rows, ends)
    return Estimate(
        fixed=LIBRARIES + numbers * NUMBER + (analysis.parameters * NARROW if narrow else 0),
        data=(samples + parts[0]) * sample
        + _augmenting(experiment, sample),  # the training part is gathered anew each epoch
        sample=learning * NARROW // NUMBER if narrow else learning,
        batch=recipe.batch.at_once(parts[0]),
        judging=max(
            min(judged_at_once(analysis), max(parts)) * answering,
            MEASURED * max(parts) * sum(signal.bytes for signal in analysis.outputs if signal),
        ),
        answering=NUMBER * (analysis.parameters + analysis.buffers) + answering,
    )


def _augmenting(experiment: Experiment, sample: int) -> int:
    """Bytes of a step whose pictures are being changed, of `sample` bytes each before."""
    if not experiment.recipe.augment:
        return 0
    columns = experiment.data.source.columns().values()
    pixels = max((column.shape[-2] * column.shape[-1] for column in columns if column.axes == "CHW"), default=0)
    step = experiment.recipe.batch.per_step(experiment.data.split.sizes(experiment.data.source.samples_total())[0])
    return step * (AUGMENTED * sample + PLACES * NUMBER * pixels)


def _largest(analysis: Analysis) -> int:
    """Numbers in the largest output of one sample."""
    return max((signal.numbers for row in analysis.expanded() for signal in row.outputs), default=1)
