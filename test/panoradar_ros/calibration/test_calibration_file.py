import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from panoradar_ros.calibration.file import (
    Calibration,
    CalibrationError,
    read_calibration,
    write_calibration,
)

GOOD = {
    "format": 1,
    "azimuth_offset_deg": 3.5,
    "rate_ratio": 1.001,
    "antennas": [{"amplitude": 1.0, "phase_deg": 10.0}, {"amplitude": 0.9, "phase_deg": -20.0}],
    "measured": {"turns": 3},
}


@settings(max_examples=60, deadline=None)
@given(
    st.none() | st.floats(-np.pi, np.pi),
    st.floats(0.81, 1.19),
    st.none()
    | st.lists(st.tuples(st.floats(0.5, 2), st.floats(-np.pi, np.pi)), min_size=1, max_size=12),
)
def test_what_is_written_is_read(tmp_path_factory, offset, ratio, polar):
    gain = polar and tuple(complex(a * np.exp(1j * p)) for a, p in polar)
    path = tmp_path_factory.mktemp("calibration") / "c.yaml"
    write_calibration(path, Calibration(offset, ratio, gain, {"turns": 5}))
    found = read_calibration(path)
    assert found.azimuth_offset_rad == (None if offset is None else pytest.approx(offset, abs=1e-7))
    assert found.rate_ratio == ratio
    assert found.measured == {"turns": 5}
    if gain is None:
        assert found.antenna_gain is None
        assert found.correction(8) is None
    else:
        assert np.abs(np.array(found.antenna_gain) - gain).max() < 1e-5
        product = found.correction(len(gain)) * np.array(gain)
        assert np.abs(product - 1).max() < 1e-4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format: 1"),
        ({"azimuth_offset_deg": 181}, "azimuth_offset_deg must be in"),
        ({"azimuth_offset_deg": "north"}, "azimuth_offset_deg must be a finite number"),
        ({"azimuth_offset_deg": float("nan")}, "azimuth_offset_deg must be a finite number"),
        ({"rate_ratio": 1.5}, "rate_ratio must be in"),
        ({"rate_ratio": True}, "rate_ratio must be a finite number"),
        ({"rate_ratio": None}, "rate_ratio must be a finite number"),
        ({"antennas": []}, "a gain for each antenna"),
        ({"antennas": {"amplitude": 1}}, "antennas must be a list"),
        ({"antennas": [{"amplitude": 1}]}, "number 0 must be"),
        ({"antennas": [{"amplitude": 0, "phase_deg": 0}]}, "amplitude of number 0"),
        ({"antennas": [{"amplitude": 1, "phase_deg": "x"}]}, "phase_deg of number 0"),
        (
            {"antennas": [{"amplitude": a, "phase_deg": 0} for a in (1, 0.01)]},
            "virtual antenna 1 has less than",
        ),
        ({"measured": [1]}, "measured must be a map"),
        ({"gain": 1}, "'gain' is not known"),
    ],
)
def test_wrong_value_is_named_with_its_file(tmp_path, change, message):
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **change}))
    with pytest.raises(CalibrationError, match=message) as caught:
        read_calibration(path)
    assert "wrong.yaml" in str(caught.value)


@pytest.mark.parametrize("text", ["", "7", "[1, 2]", "a: b: c", "format: [", "\x00"])
def test_what_is_no_calibration_is_refused(tmp_path, text):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(CalibrationError, match=r"wrong\.yaml"):
        read_calibration(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CalibrationError, match=r"wrong\.yaml"):
        read_calibration(path)


def test_missing_file_and_other_radar_are_refused(tmp_path):
    with pytest.raises(CalibrationError, match="No such file"):
        read_calibration(tmp_path / "none.yaml")
    with pytest.raises(CalibrationError, match="Is a directory"):
        read_calibration(tmp_path)
    with pytest.raises(CalibrationError, match="of 2 antennas, the radar has 8"):
        Calibration(antenna_gain=(1, 1j)).correction(8)


def test_values_left_out_are_not_measured(tmp_path):
    path = tmp_path / "short.yaml"
    path.write_text("format: 1\n")
    assert read_calibration(path) == Calibration(measured={})
