"""Training the range network: one run in one folder, which goes on where it stopped."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from panoradar_ros.benchmarking.capture import machine
from panoradar_ros.learning.dataset import FrameSet, batches, range_batch
from panoradar_ros.learning.losses import range_loss
from panoradar_ros.learning.networks.range_net import SIZES, RangeNet
from panoradar_ros.learning.range_scores import score_range_net

CHECKPOINT_S = 600.0
LOGGED_STEPS = 20


@dataclass(frozen=True)
class TrainingSettings:
    """How a run is trained.

    Attributes:
        size: of the network, a name from SIZES.
        steps: of the optimiser.
        batch: frames a step.
        learning_rate: the highest, after a twentieth of the run; it falls as a cosine to nothing.
        weight_decay: of AdamW.
        seed: of weights, order and augmentation.
        validations: over the run, the last at its end.
        device: for PyTorch, ``cpu`` or ``cuda``.
        wraps: azimuth is a circle; False for the ablation.

    Raises:
        ValueError: a value is out of its range.
    """

    size: str = "small"
    steps: int = 2000
    batch: int = 4
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-4
    seed: int = 0
    validations: int = 8
    device: str = "cpu"
    wraps: bool = True

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise ValueError(f"size must be one of {', '.join(SIZES)}, got {self.size!r}")
        for name in ("steps", "batch", "learning_rate", "validations"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.device.startswith("cuda") and not torch.cuda.is_available():
            raise ValueError("device cuda: PyTorch finds no GPU; use --device cpu")


@dataclass
class Run:
    """A run as it is in memory and, every ten minutes, on disk.

    Attributes:
        folder: of the run.
        settings: of the training.
        net: the network.
        optimiser: and its memory.
        schedule: of the learning rate.
        step: steps that are done.
        seconds: that the training took so far, over all its starts.
    """

    folder: Path
    settings: TrainingSettings
    net: RangeNet
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    step: int = 0
    seconds: float = 0.0

    def save(self) -> None:
        """Write the checkpoint; the one before it stays until this one is complete."""
        partial = self.folder / "checkpoint.partial"
        torch.save(
            {
                "settings": asdict(self.settings),
                "net": self.net.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "schedule": self.schedule.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
            },
            partial,
        )
        partial.replace(self.folder / "checkpoint.pt")

    def log(self, **figures: Any) -> None:
        """Add a line to the run's log."""
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": self.step, "seconds": self.seconds, **figures}) + "\n")


def open_run(folder: Path, settings: TrainingSettings) -> Run:
    """Begin a run, or go on with the one in the folder.

    Raises:
        ValueError: the folder holds a run with other settings, or a checkpoint that cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    net = RangeNet(SIZES[settings.size], wraps=settings.wraps).to(settings.device)
    optimiser = torch.optim.AdamW(
        net.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, settings.steps + 1, pct_start=0.05
    )
    run = Run(folder, settings, net, optimiser, schedule)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        _restore(run, checkpoint)
    return run


def _restore(run: Run, checkpoint: Path) -> None:
    try:
        state = torch.load(checkpoint, map_location=run.settings.device, weights_only=True)
    except Exception as error:  # torch raises what its unpickler and the zip reader raise
        raise ValueError(
            f"{checkpoint} cannot be read ({error}): delete it to begin anew"
        ) from error
    other = {
        name: (state["settings"].get(name), value)
        for name, value in asdict(run.settings).items()
        if name != "device" and state["settings"].get(name) != value
    }
    if other:
        raise ValueError(
            f"{run.folder} holds a run with other settings (there, asked): {other}; give another "
            "folder, or the same settings"
        )
    run.net.load_state_dict(state["net"])
    run.optimiser.load_state_dict(state["optimiser"])
    run.schedule.load_state_dict(state["schedule"])
    run.step, run.seconds = state["step"], state["seconds"]


def train_range(
    train: FrameSet,
    validation: FrameSet,
    folder: Path,
    settings: TrainingSettings,
    progress: Callable[..., Any] = tqdm,
    validation_frames: int = 32,
) -> Run:
    """Train until the run's steps are done.

    Args:
        train: frames to learn from.
        validation: frames of other buildings.
        folder: of the run: ``checkpoint.pt``, ``log.jsonl``, ``run.json``.
        settings: of the training.
        progress: wraps the steps.
        validation_frames: looked at each time.

    Raises:
        ValueError: see :func:`open_run`.
        FloatingPointError: the loss is no number any more; the last checkpoint is from before.
    """
    run = open_run(folder, settings)
    about = {
        "settings": asdict(settings),
        "frames": len(train),
        "buildings": train.describe(),
        "machine": machine(),
    }
    (folder / "run.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    every = max(1, settings.steps // settings.validations)
    saved_s = began_s = time.monotonic()
    before_s = run.seconds
    sums: dict[str, float] = {}
    steps = range(run.step, settings.steps)
    source = batches(train, settings.batch, steps, settings.seed)
    for frames in progress(source, total=len(steps), desc="training", unit="step"):
        parts = _step(run, frames)
        run.seconds = before_s + time.monotonic() - began_s
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + value
        if run.step % LOGGED_STEPS == 0:
            run.log(**{name: value / LOGGED_STEPS for name, value in sums.items()})
            sums = {}
        if run.step % every == 0 or run.step == settings.steps:
            scores = score_range_net(run.net, validation, validation_frames, settings.device)
            run.log(validation=scores.as_json())
        if time.monotonic() - saved_s > CHECKPOINT_S or run.step == settings.steps:
            run.save()
            saved_s = time.monotonic()
    return run


def _step(run: Run, frames: list[Any]) -> dict[str, float]:
    run.net.train()
    echo, target = range_batch(frames, run.settings.device)
    parts = range_loss(run.net, run.net(echo), target)
    total = parts["sum"]
    if not torch.isfinite(total):
        raise FloatingPointError(
            f"the loss is {float(total)} at step {run.step}: lower the learning rate; the last "
            f"checkpoint in {run.folder} is from before"
        )
    run.optimiser.zero_grad(set_to_none=True)
    total.backward()
    torch.nn.utils.clip_grad_norm_(run.net.parameters(), 1.0)
    run.optimiser.step()
    run.schedule.step()
    run.step += 1
    return {name: float(value.detach()) for name, value in parts.items()}


def read_run(folder: Path) -> tuple[RangeNet, dict[str, Any]]:
    """The network of a run, and what is known of its training.

    Raises:
        ValueError: the folder holds no run with a checkpoint.
    """
    checkpoint = folder / "checkpoint.pt"
    try:
        about: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        settings = TrainingSettings(**{**state["settings"], "device": "cpu"})
    except Exception as error:  # torch raises what its unpickler and the zip reader raise
        raise ValueError(
            f"{folder} holds no run of panoradar train with a checkpoint ({error})"
        ) from error
    net = RangeNet(SIZES[settings.size], wraps=settings.wraps)
    net.load_state_dict(state["net"])
    parameters = sum(one.numel() for one in net.parameters())
    figures = {"step": state["step"], "seconds": state["seconds"], "parameters": parameters}
    return net.eval(), {**about, **figures}


def use_all_cores() -> None:
    """As many threads as the process may use cores."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
