"""Inputs and outputs of a model in memory that stays on its device (ONNX Runtime's IO binding).

Without it, ONNX Runtime takes memory on the GPU for every input and output of every run. Here an
input is copied into memory that was taken at the first run of its shape, and an output whose shape
is fixed is written where the last one was.
"""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class BoundRun:
    """Runs a session with memory of its own, for one caller after the other.

    Not run on a GPU yet: what it saves there nobody has measured.

    Args:
        session: an ``onnxruntime.InferenceSession``.
        device: where the memory is, as ONNX Runtime calls it: ``cuda`` or ``cpu``.
        number: of the device.
    """

    def __init__(self, session: Any, device: str, number: int = 0) -> None:
        self._session, self._place = session, (device, number)
        self._binding = session.io_binding()
        self._inputs: dict[str, Any] = {}
        self._outputs = [one.name for one in session.get_outputs()]
        self._bound: set[str] = set()
        """Outputs whose memory stays."""
        self._lock = threading.Lock()

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run once.

        Args:
            inputs: by name, of the types that the model takes.

        Returns:
            Outputs by name, copied: the next run does not change them.
        """
        with self._lock:
            for name, array in inputs.items():
                self._put(name, np.ascontiguousarray(array))
            for one in self._session.get_outputs():
                if one.name not in self._bound:
                    self._bind_output(one)
            self._binding.synchronize_inputs()
            self._session.run_with_iobinding(self._binding)
            self._binding.synchronize_outputs()
            values = self._binding.get_outputs()
            return {n: np.array(v.numpy()) for n, v in zip(self._outputs, values, strict=True)}

    def _put(self, name: str, array: NDArray[Any]) -> None:
        from onnxruntime import OrtValue

        kept = self._inputs.get(name)
        if kept is not None and tuple(kept.shape()) == array.shape:
            kept.update_inplace(array)
            return
        self._inputs[name] = OrtValue.ortvalue_from_numpy(array.copy(), *self._place)
        self._binding.bind_ortvalue_input(name, self._inputs[name])

    def _bind_output(self, output: Any) -> None:
        """Give an output of a fixed shape its memory; ONNX Runtime takes that of others anew."""
        from onnxruntime import OrtValue

        if output.type != "tensor(float)" or not all(isinstance(n, int) for n in output.shape):
            self._binding.bind_output(output.name, *self._place)
            return
        value = OrtValue.ortvalue_from_shape_and_type(output.shape, np.float32, *self._place)
        self._binding.bind_ortvalue_output(output.name, value)
        self._bound.add(output.name)
