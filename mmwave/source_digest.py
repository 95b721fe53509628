"""Hash of the source text that something was made with: what other text made is made anew."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
"""That the packages lie in, beside those of others where they are installed."""


@cache
def source_digest(*modules: str, root: Path = _ROOT) -> str:
    """Hash of modules and of all of ours that they import, and so on.

    Nobody has to keep a list of what matters. What is imported by a name that is made at run time
    is not found.

    Args:
        modules: their full names.
        root: that the packages lie in.

    Raises:
        ValueError: there is no such module.
    """
    digest = hashlib.sha256()
    for name, path in source_files(*modules, root=root).items():
        digest.update(name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def source_files(*modules: str, root: Path = _ROOT) -> dict[str, Path]:
    """Files of modules and of all that they import of ``mmwave`` and of their own packages.

    Args:
        modules: see :func:`source_digest`.
        root: likewise.

    Returns:
        Files by the names of their modules, sorted.

    Raises:
        ValueError: there is no such module.
    """
    for name in modules:
        if _file_of(name, root) is None:
            raise ValueError(f"there is no module {name} in {root}")
    ours = {"mmwave", *(name.partition(".")[0] for name in modules)}
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or name.partition(".")[0] not in ours:
            continue
        # a name that was imported from a module may be no module, but something in it
        if (path := _file_of(name, root)) is not None:
            found[name] = path
            waiting += _imported(ast.parse(path.read_bytes(), str(path)))
    return dict(sorted(found.items()))


def _file_of(name: str, root: Path) -> Path | None:
    path = root.joinpath(*name.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((one for one in files if one.is_file()), None)


def _imported(tree: ast.Module) -> Iterator[str]:
    """Of everything that is imported anywhere in a module, from wherever."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)
