"""Seeds of simulated buildings and rooms that models were trained on."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmwave.inference import ModelCard


def refuse_trained(card: "ModelCard", seed: int, buildings: int) -> None:
    """See to it that a model is not evaluated in buildings that it was trained or chosen on.

    Args:
        card: of the model; tells the seeds.
        seed: of the first building.
        buildings: how many seeds may be used from there on.

    Raises:
        ValueError: a seed was trained or validated on.
    """
    for first, last in seeds_of(card.about):
        if seed <= last and first < seed + buildings:
            raise ValueError(
                f"--seed {seed}: {card.name} was trained or chosen on what has the seeds {first} "
                f"to {last}; take others"
            )


def seeds_of(about: Any) -> Iterator[tuple[int, int]]:
    """First and last of every range of seeds that a card tells, at any depth."""
    if isinstance(about, Mapping):
        for name, value in about.items():
            if name == "seeds" and len(value) == 2:  # of cards of before there were ranges
                yield int(value[0]), int(value[1])
            elif name == "seed_ranges":
                yield from ((int(first), int(last)) for first, last in value)
            else:
                yield from seeds_of(value)
