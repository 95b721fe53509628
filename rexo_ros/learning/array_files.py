"""Arrays of others' data sets: whatever is wrong with a file is said with its name."""

import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAMAGED = (
    OSError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError,
    NotImplementedError, zlib.error, zipfile.BadZipFile, pickle.UnpicklingError,
)  # fmt: skip
"""What NumPy, zip and pickle raise of files that are cut off, overwritten or something else."""


def load_archive(
    path: Path, names: tuple[str, ...], pickled: bool = False
) -> dict[str, NDArray[Any]]:
    """Arrays of an ``.npz`` file.

    Args:
        path: of the file.
        names: of the arrays.
        pickled: objects too: of a trusted source only.

    Raises:
        ValueError: the file is missing, no archive, damaged, or lacks an array.
    """
    try:
        with zipfile.ZipFile(path) as archive:  # refuses what is none before anything is unpickled
            there = [name.removesuffix(".npy") for name in archive.namelist()]
        with np.load(path, allow_pickle=pickled) as file:
            held = {name: file[name] for name in names if name in there}
    except FileNotFoundError as error:
        raise ValueError(f"{path} is not there: is it the data set's folder?") from error
    except DAMAGED as error:
        raise ValueError(f"{path} cannot be read ({error}): get it again") from error
    missing = [name for name in names if name not in held]
    if missing:
        raise ValueError(f"{path} holds no {', '.join(missing)}, but {', '.join(there)}")
    return held


def load_array(path: Path) -> NDArray[Any]:
    """The array of an ``.npy`` file.

    Raises:
        ValueError: the file is missing, damaged, or holds something else.
    """
    try:
        held = np.load(path, allow_pickle=False)
    except DAMAGED as error:
        raise ValueError(f"{path} cannot be read ({error}): get it again") from error
    if not isinstance(held, np.ndarray):
        held.close()
        raise ValueError(f"{path} holds several arrays, not one: get it again")
    return held
