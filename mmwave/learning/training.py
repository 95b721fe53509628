"""Training a network: one run in one folder, which goes on where it stopped.

One process trains, or several together, see :mod:`mmwave.learning.distributed`.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm

from mmwave.inference import read_card
from mmwave.learning.curves import save_curves
from mmwave.learning.distributed import (
    ALONE,
    Processes,
    average_gradients,
    averaged_parts,
    begin_as_the_first,
    check_same_step,
    joined,
)
from mmwave.learning.export import exported_weights
from mmwave.learning.run_log import forget_after
from mmwave.this_machine import machine

CHECKPOINT_S = 600.0
LOGGED_STEPS = 20
PRECISIONS = ("float32", "bfloat16")
LEAST_FITTING = 0.5
"""Share of a network's weights that another one must have, for it to begin with them."""


@dataclass(frozen=True)
class TrainingSettings:
    """How a run is trained.

    Attributes:
        network: its name, one that its system knows.
        size: of the network, a name from its module's SIZES.
        steps: of the optimiser.
        batch: frames a step, of all processes together.
        learning_rate: the highest, after a twentieth of the run; it falls as a cosine to nothing.
        weight_decay: of AdamW.
        seed: of weights, order and augmentation.
        validations: over the run, the last at its end.
        device: for PyTorch, ``cpu`` or ``cuda``.
        begin_from: folder of another run, or exported model, whose weights it begins with where
            they fit; empty: none.
        begin_only: how the names of the weights begin that are taken, ``backbone.`` for one; empty:
            all that fit.
        precision: of the products in networks, from PRECISIONS. bfloat16 is faster on processors
            with AMX, and on GPUs; weights and losses are single anyway.

    Raises:
        ValueError: a value is out of its range.
    """

    network: str = "range"
    size: str = "small"
    steps: int = 2000
    batch: int = 2
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-4
    seed: int = 0
    validations: int = 8
    device: str = "cpu"
    begin_from: str = ""
    begin_only: str = ""
    precision: str = "float32"

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "learning_rate", "validations"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.begin_only and not self.begin_from:
            raise ValueError(f"begin_only {self.begin_only!r} needs a network to begin from")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay must not be negative, got {self.weight_decay}")
        if self.device.startswith("cuda") and not torch.cuda.is_available():
            raise ValueError("device cuda: PyTorch finds no GPU; use --device cpu")
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision!r}"
            )

    def autocast(self) -> torch.autocast:
        """What a task runs its network in; losses are outside."""
        kind = torch.device(self.device).type
        return torch.autocast(kind, torch.bfloat16, enabled=self.precision == "bfloat16")


Settings = TypeVar("Settings", bound=TrainingSettings)
_Settings = TypeVar("_Settings", bound=TrainingSettings, contravariant=True)


class Task(Protocol[_Settings]):
    """What a network learns, and from what; its system's settings may tell more than these."""

    @property
    def settings_type(self) -> Callable[..., TrainingSettings]:
        """Class of the settings that it takes."""
        ...

    def network(self, settings: _Settings) -> nn.Module:
        """The network, untrained.

        Raises:
            ValueError: there is no such size.
        """
        ...

    def batches(self, settings: _Settings, steps: range) -> Iterable[Sequence[Any]]:
        """Batches of the steps wanted; the same for a step wherever the run was begun.

        Of each, ``settings.batch`` frames long, a process takes the slice that is its share.
        """
        ...

    def loss(self, net: nn.Module, batch: Any, settings: _Settings) -> dict[str, Tensor]:
        """Parts of the loss of a process's share of a batch by name, and their ``sum``."""
        ...

    def validate(self, net: nn.Module, settings: _Settings) -> dict[str, Any]:
        """Scores on frames that are not trained on, JSON-able."""
        ...

    def describe(self) -> dict[str, Any]:
        """Where the frames come from, JSON-able."""
        ...


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
        processes: that train together; the first of them writes.
    """

    folder: Path
    settings: TrainingSettings
    net: nn.Module
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    step: int = 0
    seconds: float = 0.0
    processes: Processes = ALONE

    def save(self) -> None:
        """Write the checkpoint; the one before it stays until this one is complete."""
        if not self.processes.first:
            return
        partial = self.folder / "checkpoint.partial"
        state = {
            name: getattr(self, name).state_dict() for name in ("net", "optimiser", "schedule")
        }
        figures = {"settings": asdict(self.settings), "step": self.step, "seconds": self.seconds}
        try:
            torch.save(figures | state, partial)
            partial.replace(self.folder / "checkpoint.pt")
        except (OSError, RuntimeError) as error:  # of PyTorch's own writer
            partial.unlink(missing_ok=True)
            raise OSError(
                f"the checkpoint {partial} cannot be written ({error}): is the disk full? The one "
                "before it is whole, the same command goes on from there"
            ) from error

    def log(self, **figures: Any) -> None:
        """Add a line to the run's log."""
        if not self.processes.first:
            return
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": self.step, "seconds": self.seconds, **figures}) + "\n")


def open_run(folder: Path, settings: Settings, task: Task[Settings]) -> Run:
    """Begin a run, or go on with the one in the folder.

    Raises:
        ValueError: the folder holds a run with other settings, or a checkpoint that cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    net = task.network(settings).to(settings.device)
    if settings.begin_from and not (folder / "checkpoint.pt").exists():
        begin_with(net, Path(settings.begin_from), settings.begin_only)
    optimiser = torch.optim.AdamW(
        net.parameters(), settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, settings.steps + 1, pct_start=0.05
    )
    run = Run(folder, settings, net, optimiser, schedule)
    if (folder / "checkpoint.pt").exists():
        _restore(run)
    elif (folder / "log.jsonl").exists():
        forget_after(folder / "log.jsonl", 0)  # of a run that was killed before it saved anything
    return run


def begin_with(net: nn.Module, source: Path, only: str = "") -> list[str]:
    """Give a network the weights of another, where name and shape are the same.

    Args:
        net: to change.
        source: folder of a run, or exported model, ``NAME.onnx``.
        only: how the names of those begin that are wanted; empty: all.

    Returns:
        Names of the weights that stay as they were.

    Raises:
        ValueError: the folder holds no checkpoint, the model is none or does not hold them by
            name, or most of those that are wanted do not fit.
    """
    own = net.state_dict()
    wanted = [name for name in own if name.startswith(only)]
    if not wanted:
        raise ValueError(f"no weight of the network begins with {only!r}")
    exported = source.suffix == ".onnx"
    other = exported_weights(source) if exported else read_checkpoint(source)["net"]
    fitting = {
        name: value
        for name, value in other.items()
        if name in wanted and own[name].shape == value.shape
    }
    if len(fitting) < LEAST_FITTING * len(wanted):
        raise ValueError(
            f"{len(fitting)} of {len(wanted)} weights of {source} fit: it is of another network or "
            "size"
        )
    net.load_state_dict(fitting, strict=False)
    return sorted(set(own) - set(fitting))


def _described(settings: Settings, task: Task[Settings], processes: Processes) -> dict[str, Any]:
    """What ``run.json`` and the model's card tell of a run when it begins."""
    values = asdict(settings)
    if settings.begin_from:
        values["begin_from"] = Path(settings.begin_from).name
    about = {
        "settings": values,
        "data": task.describe(),
        "machine": machine(),
        "processes": processes.count,
    }
    if settings.begin_from:
        about["began_with"] = _history(Path(settings.begin_from))
    return about


def _history(source: Path) -> dict[str, Any]:
    if source.suffix == ".onnx":
        card = read_card(source)
        training: dict[str, Any] = card.about["training"]
        return {"model": card.name, "sha256": card.sha256, **training}
    folder = source
    step = read_checkpoint(folder)["step"]
    try:
        about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder / 'run.json'} cannot be read: {error}") from error
    return {"step": step, **about}


def _restore(run: Run) -> None:
    state = read_checkpoint(run.folder, run.settings.device)
    # a setting that there was not when the run began had its default
    there = asdict(type(run.settings)()) | state["settings"]
    other = {
        name: (there[name], value)
        for name, value in asdict(run.settings).items()
        if name != "device" and there[name] != value
    }
    if other:
        raise ValueError(
            f"{run.folder} holds a run with other settings (there, asked): {other}; give the same "
            f"settings, or another folder, to train on with --begin-from {run.folder}"
        )
    run.net.load_state_dict(state["net"])
    run.optimiser.load_state_dict(state["optimiser"])
    run.schedule.load_state_dict(state["schedule"])
    run.step, run.seconds = state["step"], state["seconds"]
    if run.processes.first:
        forget_after(run.folder / "log.jsonl", run.step)


def read_checkpoint(folder: Path, device: str = "cpu") -> dict[str, Any]:
    """What :meth:`Run.save` wrote.

    Raises:
        ValueError: there is none, or it cannot be read.
    """
    path = folder / "checkpoint.pt"
    if not path.exists():
        raise ValueError(f"{folder} holds no run of panoradar train with a checkpoint")
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises what its unpickler and the zip reader raise
        raise ValueError(f"{path} cannot be read ({error}): delete it to begin anew") from error
    return state


def step_of(folder: Path) -> int:
    """Steps that are done of the run in a folder; 0 where there is none to go on with."""
    there = (folder / "checkpoint.pt").exists()
    return int(read_checkpoint(folder)["step"]) if there else 0


def train(
    task: Task[Settings],
    folder: Path,
    settings: Settings,
    progress: Callable[..., Any] = tqdm,
    processes: Processes = ALONE,
) -> Run:
    """Train until the run's steps are done.

    Args:
        task: what is learned.
        folder: of the run: ``checkpoint.pt``, ``log.jsonl``, ``run.json``, ``curves.png``; the
            machines share it.
        settings: of the training, the same for all processes.
        progress: wraps the steps of the first process.
        processes: that call this together, each with its own rank. A run may go on with another
            number of them.

    Raises:
        ValueError: see :func:`open_run`, :class:`Processes` and :func:`check_same_step`.
        FloatingPointError: the loss is no number any more; the last checkpoint is from before.
    """
    share = processes.share(settings.batch)
    own = replace(settings, device=processes.device(settings.device))
    with joined(processes, own.device):
        run = open_run(folder, own, task)
        run.processes = processes
        check_same_step(run.step, processes, own.device)
        begin_as_the_first(run.net, processes)
        if processes.first and not (folder / "checkpoint.pt").exists():
            text = json.dumps(_described(settings, task, processes), indent=1)
            (folder / "run.json").write_text(text + "\n", encoding="utf-8")
        _train(run, task, share, progress if processes.first else _silent)
    return run


def _silent(steps: Iterable[Any], **_: Any) -> Iterable[Any]:
    return steps


def _train(run: Run, task: Task[Any], share: slice, progress: Callable[..., Any]) -> None:
    settings = run.settings
    source = task.batches(settings, range(run.step, settings.steps))
    bar = progress(source, total=settings.steps, initial=run.step, desc="training", unit="step")
    try:
        _take_steps(run, task, share, bar)
    except KeyboardInterrupt:
        run.save()  # the same command goes on from here
        raise


def _take_steps(run: Run, task: Task[Any], share: slice, batches: Iterable[Any]) -> None:
    settings = run.settings
    every = max(1, settings.steps // settings.validations)
    saved_s = began_s = time.monotonic()
    before_s = run.seconds
    sums: dict[str, float] = {}
    counted = 0
    for batch in batches:
        for name, value in _step(run, task, batch[share]).items():
            sums[name] = sums.get(name, 0.0) + value
        run.seconds = before_s + time.monotonic() - began_s
        counted += 1
        if run.step % LOGGED_STEPS == 0:
            run.log(**{name: value / counted for name, value in sums.items()})
            sums, counted = {}, 0
        if run.processes.first and (run.step % every == 0 or run.step == settings.steps):
            run.net.eval()
            run.log(validation=task.validate(run.net, settings))
            save_curves(run.folder)
        if time.monotonic() - saved_s > CHECKPOINT_S or run.step == settings.steps:
            run.save()
            saved_s = time.monotonic()


def _step(run: Run, task: Task[Any], batch: Any) -> dict[str, float]:
    run.net.train()
    parts = task.loss(run.net, batch, run.settings)
    figures = averaged_parts(parts, run.processes)
    if not math.isfinite(figures["sum"]):
        raise FloatingPointError(
            f"the loss is {figures['sum']} at step {run.step}: lower the learning rate; the last "
            f"checkpoint in {run.folder} is from before"
        )
    run.optimiser.zero_grad(set_to_none=True)
    parts["sum"].backward()
    average_gradients(run.net.parameters(), run.processes)
    torch.nn.utils.clip_grad_norm_(run.net.parameters(), 1.0)
    run.optimiser.step()
    run.schedule.step()
    run.step += 1
    return figures


def read_run(folder: Path, task: Task[Any]) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a run, and what is known of its training.

    Raises:
        ValueError: the folder holds no run with a checkpoint, or one of another network.
    """
    state = read_checkpoint(folder)
    settings = task.settings_type(**{**state["settings"], "device": "cpu"})
    net = task.network(settings)
    try:
        net.load_state_dict(state["net"])
        about: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (RuntimeError, OSError, ValueError) as error:
        what = f"{folder} is a run of a {settings.network} network of size {settings.size}"
        first = " ".join(str(error).splitlines()[:2])
        raise ValueError(
            f"{what}, from which no {type(net).__name__} can be made: {first}"
        ) from error
    parameters = sum(one.numel() for one in net.parameters())
    figures = {"step": state["step"], "seconds": state["seconds"], "parameters": parameters}
    return net.eval(), {**about, **figures}


def use_all_cores(processes: Processes = ALONE) -> None:
    """As many threads as the process may use cores, shared with the processes of its machine."""
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // processes.local_count))
