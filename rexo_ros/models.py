"""The networks of REXO that come with the package."""

from pathlib import Path

from mmwave.inference import ModelError
from mmwave.resources import share_path

BACKBONE_MODEL = "models/rexo_backbone.onnx"
STEP_MODEL = "models/rexo_step.onnx"


def model_path(path: str) -> Path:
    """Where a network lies that comes with the package, or a file of the user's.

    Raises:
        ModelError: it is not installed.
    """
    if path not in (BACKBONE_MODEL, STEP_MODEL):
        return Path(path).expanduser()
    try:
        return share_path(path)
    except FileNotFoundError as error:
        raise ModelError(f"{error}; or give a file of yours") from error
