import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmwave.simulation import meshes
from mmwave.simulation.meshes import Label
from mmwave.simulation.scene import Scene, SemanticClass

LABEL = Label(SemanticClass.WALL, "plaster", 3)
LENGTH = st.floats(0.1, 3.0)


def volume_m3(scene: Scene) -> float:
    """Signed volume by the divergence theorem; positive where faces turn outwards."""
    a, b, c = np.moveaxis(scene.vertices_m[scene.faces], 1, 0)
    return float(np.einsum("fc,fc->", a, np.cross(b, c)) / 6)


def open_edges(scene: Scene) -> int:
    """Directed edges without their opposite: 0 for a closed, consistently turned surface."""
    corners = scene.faces[:, [0, 1, 2, 0]]
    edges = {(int(f[i]), int(f[i + 1])) for f in corners for i in range(3)}
    return sum((b, a) not in edges for a, b in edges)


@given(LENGTH, LENGTH, LENGTH)
def test_box_has_its_volume_and_outward_faces(x, y, z):
    scene = meshes.box((1, 2, 3), (1 + x, 2 + y, 3 + z), LABEL)
    assert volume_m3(scene) == pytest.approx(x * y * z)
    assert open_edges(scene) == 0


@given(st.integers(3, 24), LENGTH, LENGTH, st.floats(-3, 3), st.floats(-3, 3))
def test_cylinder_has_the_volume_of_its_prism(segments, radius, height, x, y):
    start = np.array([x, y, 0.3])
    scene = meshes.cylinder(
        start, start + np.array([0.6 * height, 0, 0.8 * height]), radius, LABEL, segments
    )
    base = segments / 2 * radius**2 * np.sin(2 * np.pi / segments)
    assert volume_m3(scene) == pytest.approx(base * height, rel=1e-9)
    assert open_edges(scene) == 0


def test_cone_frustum_approaches_its_closed_form():
    scene = meshes.cylinder((0, 0, 0), (0, 0, 2), 1.0, LABEL, 256, 0.5)
    assert volume_m3(scene) == pytest.approx(np.pi * 2 / 3 * (1 + 0.5 + 0.25), rel=1e-3)


def test_capsule_lies_between_its_cylinder_and_its_round_hull():
    scene = meshes.capsule((0, 0, 0), (0, 0, 1), 0.2, 0.2, LABEL, 64)
    assert np.pi * 0.04 < volume_m3(scene) < np.pi * 0.04 + 4 / 3 * np.pi * 0.008
    assert open_edges(scene) == 0


def test_prism_has_the_area_of_its_outline():
    outline = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]
    scene = meshes.extruded_polygon(outline, 0.5, 1.5, LABEL)
    assert volume_m3(scene) == pytest.approx(3.0)
    assert open_edges(scene) == 0


def test_stairs_fill_the_space_under_their_steps():
    scene = meshes.flight_of_stairs(4, 0.17, 0.28, 1.2, LABEL)
    assert volume_m3(scene) == pytest.approx(1.2 * 0.28 * 0.17 * (1 + 2 + 3 + 4))


def test_railing_reaches_its_height_along_its_whole_length():
    scene = meshes.railing((0, 0, 0), (3, 0, 0), LABEL, 1.0)
    assert scene.vertices_m[:, 2].max() == pytest.approx(1.0, abs=0.05)
    assert np.ptp(scene.vertices_m[:, 0]) == pytest.approx(3.0, abs=0.1)


@given(st.floats(-np.pi, np.pi))
def test_moving_turns_about_the_origin_and_keeps_volume(yaw):
    scene = meshes.box((1, -0.1, 0), (2, 0.1, 1), LABEL)
    there = meshes.moved(scene, (5, 6, 7), yaw)
    centre = there.vertices_m.mean(axis=0)
    assert centre == pytest.approx([5 + 1.5 * np.cos(yaw), 6 + 1.5 * np.sin(yaw), 7.5])
    assert volume_m3(there) == pytest.approx(volume_m3(scene))


def test_labels_reach_every_face():
    scene = meshes.with_instance(meshes.quad(np.eye(4, 3), LABEL), 9)
    assert set(scene.class_id) == {SemanticClass.WALL}
    assert set(scene.instance_id) == {9}


def test_bad_shapes_are_refused_by_name():
    with pytest.raises(ValueError, match="marble"):
        Label(SemanticClass.WALL, "marble")
    with pytest.raises(ValueError, match="below high"):
        meshes.box((0, 0, 0), (1, 0, 1), LABEL)
    with pytest.raises(ValueError, match="start and end"):
        meshes.cylinder((1, 1, 1), (1, 1, 1), 0.1, LABEL)
    with pytest.raises(ValueError, match="positive area"):
        meshes.extruded_polygon([(0, 0), (0, 1), (1, 0)], 0, 1, LABEL)
    with pytest.raises(ValueError, match="outline_m"):
        meshes.extruded_polygon([(0, 0), (0, 1)], 0, 1, LABEL)
    with pytest.raises(ValueError, match="steps"):
        meshes.flight_of_stairs(0, 0.17, 0.28, 1.0, LABEL)
