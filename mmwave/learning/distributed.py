"""Training in several processes at once, as ``torchrun`` starts them.

Every process holds the whole network and takes its share of each batch. After the backward pass
the gradients are averaged over all processes, so that every optimiser takes the same step and the
weights stay equal; no wrapper around the network is needed. Two things are not as in one process
with the whole batch:

- BatchNorm normalises with the statistics of a process's own share, and the running statistics
  that are validated and saved are those of the first process.
- A loss that is a mean over pixels that count is the mean of the shares' means, whatever number of
  pixels counts in each.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

LONGEST_WAIT = timedelta(hours=6)
"""Of processes for another: the first one validates and saves while the others wait."""

_NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK")


@dataclass(frozen=True)
class Processes:
    """A process among those that train one network together.

    Attributes:
        rank: number of this process, from 0; process 0 is the one that writes.
        count: of all processes.
        local_rank: number of this process on its machine.
        local_count: processes on this machine.

    Raises:
        ValueError: a number is out of its range.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1

    def __post_init__(self) -> None:
        for number, count in (("rank", "count"), ("local_rank", "local_count")):
            if not 0 <= getattr(self, number) < getattr(self, count):
                raise ValueError(
                    f"{number} must be from 0 to {count} - 1, got {getattr(self, number)} of "
                    f"{getattr(self, count)}"
                )

    @property
    def first(self) -> bool:
        """Whether this is the process that writes, shows and validates."""
        return self.rank == 0

    def share(self, batch: int) -> slice:
        """Which frames of a batch are this process's.

        Args:
            batch: frames of all processes together.

        Raises:
            ValueError: they cannot be shared evenly.
        """
        if batch % self.count:
            raise ValueError(
                f"a batch of {batch} frames cannot be shared by {self.count} processes: it is the "
                f"batch of all of them together, give a multiple of {self.count} (--batch)"
            )
        each = batch // self.count
        return slice(self.rank * each, (self.rank + 1) * each)

    def device(self, device: str) -> str:
        """The device of this process where ``device`` is asked for: its own GPU of the machine's.

        Raises:
            ValueError: there are fewer GPUs than processes, or all are to use the same one.
        """
        if self.count == 1 or not device.startswith("cuda"):
            return device
        if device != "cuda":
            raise ValueError(
                f"device {device} is one GPU for {self.count} processes: give --device cuda, each "
                "then takes its own"
            )
        gpus = torch.cuda.device_count()
        if self.local_count > gpus:
            raise ValueError(
                f"{self.local_count} processes on a machine with {gpus} GPUs: start torchrun with "
                f"--nproc_per_node={gpus}"
            )
        return f"cuda:{self.local_rank}"


ALONE = Processes()


def processes_of_torchrun(environment: Mapping[str, str] | None = None) -> Processes:
    """What torchrun says of this process; :data:`ALONE` where it was not started by it.

    Args:
        environment: variables ``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``, and ``LOCAL_WORLD_SIZE``
            (``WORLD_SIZE`` where it is absent); the process's own by default.

    Raises:
        ValueError: only some of them are set, or they are no such numbers.
    """
    environment = environment if environment is not None else os.environ
    found = [name for name in _NAMES if name in environment]
    if not found:
        return ALONE
    missing = [name for name in _NAMES if name not in environment]
    if missing:
        raise ValueError(
            f"{', '.join(found)} set without {', '.join(missing)}: start several processes with "
            f"torchrun, or one with none of {', '.join(_NAMES)} set"
        )
    numbers = {name: environment[name] for name in _NAMES}
    local = {"LOCAL_WORLD_SIZE": environment.get("LOCAL_WORLD_SIZE", numbers["WORLD_SIZE"])}
    try:
        rank, count, local_rank, local_count = map(int, (numbers | local).values())
    except ValueError as error:
        raise ValueError(f"{numbers | local} should be numbers, as torchrun sets them") from error
    return Processes(rank, count, local_rank, local_count)


@contextmanager
def joined(processes: Processes, device: str) -> Iterator[None]:
    """Connect to the other processes, by NCCL between GPUs and by Gloo between CPUs.

    Args:
        processes: nothing is connected if there is one only.
        device: of this process, see :meth:`Processes.device`.
    """
    if processes.count == 1:
        yield
        return
    cuda = device.startswith("cuda")
    if cuda:
        torch.cuda.set_device(device)
    distributed.init_process_group(
        "nccl" if cuda else "gloo",
        rank=processes.rank,
        world_size=processes.count,
        timeout=LONGEST_WAIT,
    )
    try:
        yield
        # leave together: one that ends while another still writes may abort in Gloo's threads
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def check_same_step(step: int, processes: Processes, device: str) -> None:
    """See that all processes begin at the same step.

    Args:
        step: of this process's checkpoint.
        processes: that are joined.
        device: of this process.

    Raises:
        ValueError: they do not; all processes say so.
    """
    if processes.count == 1:
        return
    mine = torch.tensor([step], device=device)
    steps = [torch.zeros_like(mine) for _ in range(processes.count)]
    distributed.all_gather(steps, mine)
    found = sorted({int(one) for one in steps})
    if len(found) > 1:
        raise ValueError(
            f"the processes find checkpoints of steps {found}: the run's folder must be one that "
            "all machines share"
        )


def begin_as_the_first(net: nn.Module, processes: Processes) -> None:
    """Give the network the weights and running statistics of process 0."""
    if processes.count > 1:
        for value in (*net.parameters(), *net.buffers()):
            sent = value.detach().contiguous()
            distributed.broadcast(sent, 0)
            value.detach().copy_(sent)


def average_gradients(parameters: Iterable[nn.Parameter], processes: Processes) -> None:
    """Replace every gradient by its mean over the processes.

    A gradient that a process does not have counts as zero there; one that no process has stays
    absent.

    Args:
        parameters: the same in every process, of one type and device.
        processes: that are joined.
    """
    if processes.count == 1:
        return
    wanted = [one for one in parameters if one.requires_grad]
    there = torch.stack([one.new_tensor(float(one.grad is not None)) for one in wanted])
    parts = [torch.zeros_like(one) if one.grad is None else one.grad for one in wanted]
    flat = torch.cat([there, *(part.reshape(-1) for part in parts)])
    distributed.all_reduce(flat)
    there, *averaged = flat.split([len(wanted), *(one.numel() for one in wanted)])
    for one, gradient, of_how_many in zip(wanted, averaged, there.tolist(), strict=True):
        one.grad = gradient.view_as(one) / processes.count if of_how_many else None


def averaged_parts(parts: Mapping[str, Tensor], processes: Processes) -> dict[str, float]:
    """Numbers by name, each the mean over the processes.

    Args:
        parts: scalars with the same names in every process.
        processes: that are joined.
    """
    values = torch.stack([value.detach().double() for value in parts.values()])
    if processes.count > 1:
        distributed.all_reduce(values)
        values /= processes.count
    return dict(zip(parts, values.tolist(), strict=True))
