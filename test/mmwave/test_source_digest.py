"""What was made with other source text is known to be, whatever module the change is in."""

import pytest

from mmwave.source_digest import source_digest, source_files


def written(folder, **changed):
    """Two packages of ours and one of somebody else."""
    texts = {
        "mmwave/radar.py": "from mmwave import walls\nimport others\n",
        "mmwave/walls.py": "def draw():\n    from mmwave.sizes import WALL_M\n",
        "mmwave/sizes.py": "WALL_M = 2.5\n",
        "mmwave/unused.py": "",
        "system_ros/__init__.py": "",
        "system_ros/scenes.py": "from mmwave.radar import look\nfrom system_ros import spectrum\n",
        "system_ros/spectrum.py": "import numpy.random\n",
        "others/__init__.py": "",
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(changed.get(path.stem, text))
    return folder


def test_all_that_is_imported_is_found_and_nothing_of_others(tmp_path):
    root = written(tmp_path)
    own = ["mmwave", "mmwave.radar", "mmwave.sizes", "mmwave.walls"]
    (root / "mmwave" / "__init__.py").write_text("")
    assert list(source_files("mmwave.radar", root=root)) == own
    more = ["system_ros", "system_ros.scenes", "system_ros.spectrum"]
    assert list(source_files("system_ros.scenes", root=root)) == [*own, *more]


@pytest.mark.parametrize(("name", "counts"), [("sizes", True), ("unused", False)])
def test_text_of_what_is_imported_counts(tmp_path, name, counts):
    before = source_digest("mmwave.radar", root=written(tmp_path / "before"))
    after = source_digest("mmwave.radar", root=written(tmp_path / "after", **{name: "WALL_M = 3"}))
    assert (before != after) == counts


def test_a_module_that_there_is_not_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no module mmwave\.moon"):
        source_digest("mmwave.moon", root=written(tmp_path))


@pytest.mark.parametrize(
    ("module", "parts"),
    [
        (
            "mmwave.simulation.watch_recording",
            "activity_phases camera furniture furniture_rooms furnishing floor_plan meshes truth "
            "walls scene trajectory transmission fmcw waveform watch_camera watched_drawing",
        ),
        ("mmwave.simulation.room", "furniture furniture_rooms meshes people gestures"),
        ("mmwave.simulation.recording", "rotation trajectory truth scattering waveform"),
        ("mmanomaly_ros.learning.simulated", "spectrum watched_place activity_phases camera"),
    ],
)
def test_a_recording_is_of_all_that_the_simulation_consists_of(module, parts):
    found = {name.rpartition(".")[2] for name in source_files(module)}
    assert set(parts.split()) <= found
