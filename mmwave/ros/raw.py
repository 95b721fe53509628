"""Raw samples as a standard message: one PointCloud2 point is one position of the radar.

Layout of a point (little endian, no padding between fields but what alignment needs)::

    time_offset_s   float64            position time minus the header's stamp
    <waveform>      float64 / uint32   every number of Waveform under its own name, unit included
    frame_index     uint32             of the radar
    stream          uint32             counts restarts of the device and steps of the clock
    iq              int16 x (antennas x samples x 2)   by antenna, then by sample, I before Q
    valid           uint8 x antennas   1 where every sample of the antenna arrived

The waveform repeats in every point (about 100 of 8200 bytes), so that a bag of these messages is
enough to redo everything. Times come back to the nanosecond: a float64 offset of less than a month
is exact to better than 1 ns.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2

from mmwave.dca1000 import PositionBlock
from mmwave.ros.messages import (
    NANOSECONDS_PER_SECOND,
    cloud_points,
    structured_cloud,
    to_header,
    to_time_ns,
)
from mmwave.waveform import Waveform

_WAVEFORM_KINDS: dict[str, type] = {
    field.name: np.uint32 if field.type in (int, "int") else np.float64
    for field in dataclasses.fields(Waveform)
}


def point_layout(waveform: Waveform) -> "np.dtype[np.void]":
    """The structured type of one position.

    Args:
        waveform: gives the number of antennas and samples.
    """
    ordered = sorted(_WAVEFORM_KINDS.items(), key=lambda item: -np.dtype(item[1]).itemsize)
    values = waveform.virtual_antennas * waveform.samples_per_chirp * 2
    return np.dtype(
        [
            ("time_offset_s", np.float64),
            *ordered,
            ("frame_index", np.uint32),
            ("stream", np.uint32),
            ("iq", np.int16, (values,)),
            ("valid", np.uint8, (waveform.virtual_antennas,)),
        ],
        align=True,
    )


def to_cloud(block: PositionBlock, frame_id: str) -> PointCloud2:
    """A message of a block of positions, stamped with the first one's time.

    Args:
        block: at least one position.
        frame_id: frame of the antennas.

    Raises:
        ValueError: the block is empty.
    """
    positions = len(block.time_ns)
    if not positions:
        raise ValueError("a block without positions cannot be sent: it has no time")
    points = np.zeros(positions, point_layout(block.waveform))
    first_ns = int(block.time_ns[0])
    points["time_offset_s"] = (block.time_ns - first_ns) / NANOSECONDS_PER_SECOND
    for name in _WAVEFORM_KINDS:
        points[name] = getattr(block.waveform, name)
    points["frame_index"] = block.frame_index
    points["stream"] = block.stream
    points["iq"] = block.samples.reshape(positions, -1)
    points["valid"] = block.valid
    return structured_cloud(points, to_header(first_ns, frame_id), is_dense=bool(block.valid.all()))


def from_cloud(message: Any) -> PositionBlock:
    """The block of positions that :func:`to_cloud` packed, exactly.

    The samples share the message's memory and are read-only.

    Args:
        message: a PointCloud2, from rclpy or from a bag reader.

    Raises:
        ValueError: the message does not hold raw samples in this layout; says what differs.
    """
    points = cloud_points(message).reshape(-1)
    names = set(points.dtype.names or ())
    missing = [name for name in point_layout(Waveform()).names or () if name not in names]
    if missing:
        raise ValueError(f"the cloud is not raw radar samples: it has no field {missing[0]!r}")
    if not len(points):
        raise ValueError("the cloud has no positions")
    waveform = _waveform_of(points)
    expected = point_layout(waveform)
    for name in expected.names or ():
        if _kind_and_count(points.dtype[name]) != _kind_and_count(expected[name]):
            raise ValueError(
                f"field {name!r} is {points.dtype[name]}, but its waveform of "
                f"{waveform.virtual_antennas} antennas and {waveform.samples_per_chirp} samples "
                f"makes it {expected[name]}"
            )
    for name in ("frame_index", "stream"):
        if (points[name] != points[name][0]).any():
            raise ValueError(
                f"a message holds one frame, but field {name!r} is not the same in all"
            )
    offsets_ns = np.rint(points["time_offset_s"] * NANOSECONDS_PER_SECOND).astype(np.int64)
    shape = (len(points), waveform.virtual_antennas, waveform.samples_per_chirp, 2)
    return PositionBlock(
        frame_index=int(points["frame_index"][0]),
        samples=np.lib.stride_tricks.as_strided(
            points["iq"],
            shape,
            (points.strides[0], shape[2] * 4, 4, 2),
            writeable=False,
        ),
        time_ns=to_time_ns(message.header.stamp) + offsets_ns,
        valid=points["valid"].reshape(shape[:2]).astype(bool),
        waveform=waveform,
        stream=int(points["stream"][0]),
    )


def _kind_and_count(kind: "np.dtype[Any]") -> "tuple[np.dtype[Any], int]":
    return kind.base, int(np.prod(kind.shape, dtype=int))


def _waveform_of(points: NDArray[np.void]) -> Waveform:
    values: dict[str, Any] = {}
    for name, kind in _WAVEFORM_KINDS.items():
        column = points[name]
        if column.ndim != 1 or (column != column[0]).any():
            raise ValueError(f"field {name!r} must be one number, the same in every position")
        values[name] = int(column[0]) if kind is np.uint32 else float(column[0])
    return Waveform(**values)
