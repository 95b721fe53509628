"""PanoRadar's exported networks in 8 bits, see :mod:`mmwave.learning.quantisation`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.learning.quantisation import quantise
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.semantic_task import SeenFrame

MOST_RANGE_M = 0.05
"""Median that ranges may move by."""

MOST_OTHER_CLASSES = 0.05
"""Share of the pixels that may change their class."""


def may_be_quantised(name: str) -> bool:
    """Whether a convolution is not among the last of its network, which make metres and odds."""
    return name.startswith(("/net/stem/", "/net/unet/", "/net/spread/", "/net/surface/blocks/"))


def quantise_range_net(
    model: Path, output: Path, frames: Sequence[Frame], data: Mapping[str, Any] | None = None
) -> dict[str, float]:
    """Write the range network in 8 bits.

    Args:
        model: exported.
        output: file to write.
        frames: to choose steps on; the last is compared on.
        data: what they are of, for the card.

    Returns:
        Median and 90 % quantile of what ranges moved by, share of the rays whose range appeared or
        went, median change of the normals.

    Raises:
        ValueError: see :func:`mmwave.learning.quantisation.quantise`; ranges moved by more than
            :data:`MOST_RANGE_M`.
    """
    inputs = [{"echo": frame.echo[None]} for frame in frames]
    return quantise(model, output, inputs, may_be_quantised, range_changes, data)


def quantise_semantic_net(
    model: Path,
    output: Path,
    frames: Sequence[SeenFrame],
    data: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Write the semantic network in 8 bits.

    Args:
        model: exported.
        output: file to write.
        frames: as the range network sees them; the last is compared on.
        data: what they are of, for the card.

    Returns:
        Share of the pixels whose class is another, mean change of the objects' logits.

    Raises:
        ValueError: see :func:`mmwave.learning.quantisation.quantise`; more than
            :data:`MOST_OTHER_CLASSES` changed.
    """
    inputs = [{"features": one.features.astype(np.float32)[None]} for one in frames]
    return quantise(model, output, inputs, may_be_quantised, class_changes, data)


def range_changes(
    single: Mapping[str, NDArray[Any]], quantised: Mapping[str, NDArray[Any]]
) -> dict[str, float]:
    """See :func:`quantise_range_net`."""
    there = [np.isfinite(one["range_m"]) for one in (single, quantised)]
    both = there[0] & there[1]
    moved_m = np.abs(single["range_m"][both] - quantised["range_m"][both])
    if not both.any() or np.median(moved_m) > MOST_RANGE_M:
        raise ValueError("in 8 bits the range network is another: give more or other frames")
    turned = np.abs(single["normal"] - quantised["normal"])[both]
    return {
        "range_median_m": float(np.median(moved_m)),
        "range_p90_m": float(np.quantile(moved_m, 0.9)),
        "appeared_or_went": float((there[0] != there[1]).mean()),
        "normal_median": float(np.median(turned)),
    }


def class_changes(
    single: Mapping[str, NDArray[Any]], quantised: Mapping[str, NDArray[Any]]
) -> dict[str, float]:
    """See :func:`quantise_semantic_net`."""
    classes = [one["logits"].argmax(axis=0) for one in (single, quantised)]
    other = float((classes[0] != classes[1]).mean())
    if other > MOST_OTHER_CLASSES:
        raise ValueError(
            f"in 8 bits {100 * other:.0f} % of the pixels have another class: give more or other "
            "frames"
        )
    objects = np.abs(single["objects"] - quantised["objects"]).mean()
    return {"other_class": other, "objects_mean": float(objects)}
