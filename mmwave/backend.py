"""The array module, chosen in one place: NumPy always, CuPy where a GPU answers."""

import logging
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LOG = logging.getLogger(__name__)


def array_module(device: str = "cpu") -> ModuleType:
    """Return the array module for a device.

    Args:
        device: ``cpu`` (NumPy), ``gpu`` (CuPy, an error if it cannot run) or ``auto`` (CuPy if a
            first small allocation succeeds, else NumPy). CuPy imports without a GPU, so only an
            allocation tells.

    Raises:
        ValueError: the device has another name.
        RuntimeError: ``gpu`` was asked for and CuPy cannot run.
    """
    if device not in ("cpu", "gpu", "auto"):
        raise ValueError(f"device must be cpu, gpu or auto, got {device!r}")
    if device == "cpu":
        return np
    try:
        import cupy

        cupy.zeros(1)
    except Exception as error:  # CuPy raises its own, CUDA's and import errors
        if device == "gpu":
            raise RuntimeError(
                f"no GPU array module: {error}. Install the extra 'gpu' and check nvidia-smi, "
                "or set device to cpu"
            ) from error
        _LOG.info("CuPy is not usable (%s); using NumPy", error)
        return np
    return cupy


def to_numpy(array: Any) -> NDArray[Any]:
    """Copy an array of either module to NumPy (no copy if it is there already)."""
    return array.get() if hasattr(array, "get") else np.asarray(array)
