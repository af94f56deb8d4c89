"""What the data look like, before anything has been trained on them."""

import html
import math
from typing import Any

import numpy as np
import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from builder.data import Arrays, load
from builder.design.experiment import Experiment
from builder.problem import Refused
from pages.parts import style
from pages.parts.problems import problem_list

MOST_POINTS = 2_000
IMAGES = 10
ROW = 5
"""Images in a row."""
MOST_PIXELS = 128
"""Of an image along a side: what is left out of larger ones would not be seen in a row of them."""


def data(experiment: Experiment) -> None:
    """The training part as points, pictures or rows."""
    try:
        with st.spinner("Loading the data"):
            arrays = load(experiment.data)
    except Refused as refused:
        problem_list(refused.problems, None, "data")
        return
    sizes = {part: len(next(iter(columns.values()))) for part, columns in arrays.parts.items()}
    st.caption(
        "Nothing has been trained yet. " + ", ".join(f"{size:,} {part}" for part, size in sizes.items()) + " samples."
    )
    name, signal = next(iter(arrays.features.items()))
    if signal.axes == "F" and signal.shape == (2,):
        _points(arrays, name)
    elif signal.axes == "CHW":
        _pictures(arrays, name)
    else:
        _rows(arrays, name)


def _labels(arrays: Arrays, target: str) -> list[str]:
    values = arrays.parts["train"][target]
    if arrays.targets[target].axes == "HW":  # a mask has a class for each pixel
        return [""] * len(values)
    return (
        [arrays.labels[value] for value in values]
        if arrays.labels
        else [f"{float(np.ravel(value)[0]):.4g}" for value in values]
    )


def _target(arrays: Arrays) -> str:
    return next(iter(arrays.targets))


def _points(arrays: Arrays, name: str) -> None:
    target = _target(arrays)
    points, truth = (arrays.parts["train"][column][:MOST_POINTS] for column in (name, target))
    labels = {"x": "x₁", "y": "x₂", "color": target}
    if arrays.labels:
        names = [html.escape(label) for label in arrays.labels]
        look = {"color_discrete_sequence": style.class_colours(len(names)), "category_orders": {"color": names}}
        colour: Any = [names[value] for value in truth]
    else:
        look, colour = {}, truth.reshape(len(truth), -1)[:, 0]
    figure = px.scatter(x=points[:, 0], y=points[:, 1], color=colour, labels=labels, title="Training samples", **look)
    figure.update_yaxes(scaleanchor="x").update_xaxes(constrain="domain")
    st.plotly_chart(figure, key="preview", alt=f"{len(points)} training points on a plane, coloured by {target}")


def _pictures(arrays: Arrays, name: str) -> None:
    target = _target(arrays)
    images, labels, title = _drawn(arrays.parts["train"][name][:IMAGES]), _labels(arrays, target), "Training samples"
    if arrays.targets[target].axes == "HW":
        masks = _drawn(arrays.parts["train"][target][:ROW, None])
        images = np.concatenate([images[:ROW], np.broadcast_to(masks, images[:ROW].shape)])
        labels, title = (
            [*labels[:ROW], *[target] * ROW],
            f"Training samples and, below, what is to be learned: the {target}",
        )
    figure = px.imshow(
        images.squeeze(3) if images.shape[3] == 1 else images,
        facet_col=0,
        facet_col_wrap=ROW,
        binary_string=True,
        title=title,
    )
    for annotation in figure.layout.annotations:  # plotly numbers the rows of pictures from below
        annotation.text = labels[int(annotation.text.partition("=")[2])]
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    st.plotly_chart(figure, key="preview", alt=f"{title}: {', '.join(filter(None, labels[: len(images)]))}")


def _drawn(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Images (samples, channels, height, width) as bytes from black to white, channels last: 1 is grey, 3 are colours."""
    step = math.ceil(max(images.shape[2:]) / MOST_PIXELS)
    images = images[:, :, ::step, ::step]
    images = images.astype(np.float32) if images.shape[1] in (1, 3) else images[:, :1].astype(np.float32)
    low, high = images.min(), images.max()
    return (255 * (images - low) / max(high - low, 1e-9)).astype(np.uint8).transpose(0, 2, 3, 1)


def _rows(arrays: Arrays, name: str) -> None:
    values = arrays.parts["train"][name]
    if arrays.features[name].axes == "TF":
        figure = go.Figure(
            [
                go.Scatter(y=values[0, :, feature], name=f"feature {feature + 1}", mode="lines+markers")
                for feature in range(values.shape[2])
            ]
        )
        figure.update_layout(
            title=f"First training sequence; {_target(arrays)} = {_labels(arrays, _target(arrays))[0]}",
            xaxis_title="time (steps)",
            yaxis_title="value",
        )
        st.plotly_chart(
            figure, key="preview", alt=f"The first of {len(values)} training sequences of {values.shape[1]} steps"
        )
        return
    frame = pd.DataFrame(values.reshape(len(values), -1)[:100]).add_prefix(f"{name} ")
    st.dataframe(frame.assign(**{_target(arrays): _labels(arrays, _target(arrays))[:100]}), hide_index=True)
