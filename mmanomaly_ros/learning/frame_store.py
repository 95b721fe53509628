"""What networks say of every frame, kept beside the data: worked out once, goes on where it was."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from mmwave.whole_file import whole_file

_CHUNK = 32
"""Frames that are worked out together."""
_KEPT = 40
"""Chunks after which is noted how far it got."""

Compute = Callable[[range], Mapping[str, NDArray[np.generic]]]
"""From numbers of frames to arrays by name, each with the axis of frames first."""


class FrameStore:
    """Arrays with one row a frame, on disk, in memory as far as they are read.

    Args:
        folder: beside which data they lie; they are in ``cache/NAME-KEY`` of it.
        name: of what they are.
        depends: on what: another store begins if it is not the same, JSON-able.
        frames: how many.
        arrays: type and shape of a frame, by name.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        depends: Any,
        frames: int,
        arrays: Mapping[str, tuple[type, tuple[int, ...]]],
    ) -> None:
        text = json.dumps([depends, frames, {n: s for n, (_, s) in arrays.items()}])
        key = hashlib.sha256(text.encode()).hexdigest()[:12]
        self.folder, self._name, self._frames = folder / "cache" / f"{name}-{key}", name, frames
        self.folder.mkdir(parents=True, exist_ok=True)
        self._arrays = {}
        for array, (kind, shape) in arrays.items():
            path = self.folder / f"{array}.npy"
            if not path.exists():
                np.lib.format.open_memmap(path, "w+", kind, (frames, *shape)).flush()
            self._arrays[array] = np.load(path, mmap_mode="r+")

    def __getitem__(self, array: str) -> NDArray[Any]:
        """(frame, ...) one of the arrays, mapped into memory."""
        return self._arrays[array]

    @property
    def done(self) -> int:
        """Frames that are worked out."""
        path = self.folder / "done.json"
        return int(json.loads(path.read_text())) if path.exists() else 0

    def fill(self, compute: Compute, progress: Callable[..., Iterable[Any]] = tqdm) -> None:
        """Work out what is not yet there.

        Args:
            compute: see Compute.
            progress: wraps the chunks.
        """
        starts = range(self.done, self._frames, _CHUNK)
        if not starts:
            return
        for count, start in enumerate(progress(starts, desc=self._name, unit="chunk"), start=1):
            frames = range(start, min(start + _CHUNK, self._frames))
            for name, values in compute(frames).items():
                self._arrays[name][frames.start : frames.stop] = values
            if count % _KEPT == 0 or frames.stop == self._frames:
                self._note(frames.stop)

    def _note(self, done: int) -> None:
        for array in self._arrays.values():
            array.flush()
        with whole_file(self.folder / "done.json") as partial:
            partial.write_text(json.dumps(done))


def weights_key(net: nn.Module) -> str:
    """Fingerprint of a network's weights."""
    digest = hashlib.sha256()
    for name, value in net.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
