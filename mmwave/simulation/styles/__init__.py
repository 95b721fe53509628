"""Styles of buildings, one module each.

A style is a module in this package with a function ``draw(generator) -> FloorPlan``; its name is
the module's. Adding a file adds a style: nothing else has to change. Modules whose name begins with
an underscore are shared helpers.
"""

import pkgutil
from collections.abc import Callable
from importlib import import_module

import numpy as np

from mmwave.simulation.floor_plan import FloorPlan


def discover() -> dict[str, Callable[[np.random.Generator], FloorPlan]]:
    """Import every style of this package and return their functions by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return {name: import_module(f"{__name__}.{name}").draw for name in names}


STYLES: dict[str, Callable[[np.random.Generator], FloorPlan]] = discover()
"""Every style by its name."""
