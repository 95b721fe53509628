import os

import pytest
import serial
from xwr.radar import AWR1843L, XWRError

from mmwave.emulation.awr1843 import AWR1843Emulator
from mmwave.waveform import Waveform

SETTINGS = {
    "frequency": 77.0,
    "idle_time": 145.0,
    "adc_start_time": 0.0,
    "ramp_end_time": 50.0,
    "tx_start_time": 0.0,
    "freq_slope": 79.951,
    "adc_samples": 256,
    "sample_rate": 5120,
    "frame_length": 64,
    "frame_period": 26.25,
}
MINIMAL = """flushCfg
dfeDataOutputMode 1
channelCfg 15 5 0
adcCfg 2 1
adcbufCfg -1 0 1 1 1
profileCfg 0 77 145 0 50 0 0 79.951 0 256 5120 0 0 30
chirpCfg 0 0 0 0 0 0 0 1
chirpCfg 1 1 0 0 0 0 0 4
frameCfg 0 1 64 0 26.25 1 0
lvdsStreamCfg -1 0 1 0"""


class Line:
    """A terminal at the emulated port."""

    def __init__(self, emulator):
        self.port = serial.Serial(emulator.port, timeout=5.0)

    def read(self):
        return self.port.read_until(b"mmwDemo:/>").decode()

    def ask(self, command):
        self.port.write(command.encode() + b"\n")
        return self.read()

    def configure(self, leave_out="", replace=()):
        for line in MINIMAL.splitlines():
            for old, new in replace:
                line = line.replace(old, new)
            if not (leave_out and line.startswith(leave_out)):
                assert self.ask(line).endswith("Done\n\rmmwDemo:/>"), line


@pytest.fixture
def radar():
    with AWR1843Emulator() as emulator:
        yield emulator


@pytest.fixture
def line(radar):
    made = Line(radar)
    yield made
    made.port.close()


def test_answers_byte_for_byte(line):
    assert line.ask("flushCfg") == "flushCfg\nDone\n\rmmwDemo:/>"
    assert line.ask("") == "\n\rmmwDemo:/>"
    assert line.ask("% a comment") == "% a comment\n\rmmwDemo:/>"
    assert line.ask("sensorStop") == (
        "sensorStop\nIgnored: Sensor is already stopped\nDone\n\rmmwDemo:/>"
    )
    assert line.ask("fly away") == (
        "fly away\n'fly' is not recognized as a CLI command\n\rmmwDemo:/>"
    )
    assert line.ask("profileCfg 1 2") == (
        "profileCfg 1 2\nError: Invalid usage of the CLI command\nError -1\n\rmmwDemo:/>"
    )
    assert "Error -1" in line.ask("lowPower 0 zero")


def test_driver_configures_the_default_waveform_and_starts_it(radar):
    starts, stops = [], []
    radar.on_start = starts.append
    radar.on_stop = lambda: stops.append(1)
    driver = AWR1843L(port=radar.port)
    driver.setup(**SETTINGS)
    assert radar.waveform is None
    driver.start()
    assert starts == [Waveform()]
    assert radar.waveform == Waveform()
    assert radar.started
    driver.stop()
    assert stops == [1]
    assert radar.waveform is None
    driver.port.close()


def test_driver_sees_errors_as_errors():
    with AWR1843Emulator(answer_error_to="frameCfg") as radar:
        driver = AWR1843L(port=radar.port)
        with pytest.raises(XWRError, match="configuration failed"):
            driver.setup(**SETTINGS)
        driver.port.close()


def test_other_settings_make_another_waveform(radar, line):
    line.configure(
        replace=(
            ("channelCfg 15 5", "channelCfg 3 7"),
            ("77 145 0 50", "76 20 4.5 60"),
            ("79.951 0 256 5120", "40 0 128 4000"),
            ("0 1 64 0 26.25", "1 1 32 0 8"),
        )
    )
    assert line.ask("sensorStart").endswith("Done\n\rmmwDemo:/>")
    assert radar.waveform == Waveform(
        start_hz=76e9,
        slope_hz_per_s=40e12,
        sample_rate_hz=4e6,
        samples_per_chirp=128,
        adc_start_s=4.5e-6,
        ramp_end_s=60e-6,
        idle_s=20e-6,
        loops_per_frame=32,
        frame_period_s=8e-3,
        transmitters=1,
        receivers=2,
    )


@pytest.mark.parametrize(
    "missing",
    sorted({line.split()[0] for line in MINIMAL.splitlines()} - {"flushCfg"}),
)
def test_start_names_what_is_not_configured(radar, line, missing):
    line.configure(leave_out=missing)
    answer = line.ask("sensorStart")
    assert f"no {missing}" in answer
    assert answer.endswith("Error -1\n\rmmwDemo:/>")
    assert not radar.started


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("chirpCfg 1 1", "chirpCfg 2 2", "chirpCfg has not defined"),
        ("chirpCfg 1 1 0 0 0 0 0 4", "chirpCfg 1 1 0 0 0 0 0 2", "transmitter"),
        ("0 1 64 0 26.25", "0 1 64 0 10", "frame_period_s"),
        ("145 0 50", "145 10 50", "ramp"),
    ],
)
def test_start_refuses_what_is_impossible(radar, line, old, new, message):
    line.configure(replace=((old, new),))
    answer = line.ask("sensorStart")
    assert message in answer
    assert "Error -1" in answer
    assert not radar.started


@pytest.mark.parametrize(
    "command",
    [
        "channelCfg 0 5 0",
        "channelCfg 15 8 0",
        "profileCfg 0 60 145 0 50 0 0 79.951 0 256 5120 0 0 30",
        "frameCfg 0 1 0 0 26.25 1 0",
        "frameCfg 0 1 256 0 26.25 1 0",
        "dfeDataOutputMode 3",
        "chirpCfg 5 4 0 0 0 0 0 1",
    ],
)
def test_values_the_chip_refuses(line, command):
    assert line.ask(command).endswith("Error -1\n\rmmwDemo:/>")


def test_running_sensor_ignores_a_second_start_and_refuses_settings(line):
    line.configure()
    line.ask("sensorStart")
    assert "Ignored: Sensor is already started" in line.ask("sensorStart")
    assert "Error -1" in line.ask("frameCfg 0 1 64 0 26.25 1 0")
    assert line.ask("sensorStop") == "sensorStop\nDone\n\rmmwDemo:/>"


@pytest.mark.parametrize(
    ("old", "new"),
    [("lvdsStreamCfg -1 0 1 0", "lvdsStreamCfg -1 0 0 0"), ("adcCfg 2 1", "adcCfg 2 0")],
)
def test_without_raw_complex_samples_nothing_plays(radar, line, old, new):
    starts = []
    radar.on_start = starts.append
    line.configure(replace=((old, new),))
    line.ask("sensorStart")
    assert radar.started
    assert starts == []
    assert radar.waveform is None


def test_flush_forgets_all_settings(radar, line):
    line.configure()
    line.ask("flushCfg")
    assert "no dfeDataOutputMode" in line.ask("sensorStart")


def test_reset_stops_forgets_and_prints_the_banner(radar, line):
    stops = []
    radar.on_stop = lambda: stops.append(1)
    line.configure()
    line.ask("sensorStart")
    radar.reset()
    assert "*****" in line.read()
    assert stops == [1]
    assert not radar.started
    assert "incomplete" in line.ask("sensorStart")


def test_silent_board_says_nothing():
    with AWR1843Emulator(silent=True) as radar:
        terminal = serial.Serial(radar.port, timeout=0.05)
        terminal.write(b"version\n")
        assert terminal.read(1) == b""
        terminal.close()


def test_version_and_state_can_be_asked(line):
    assert "MMW Demo" in line.ask("version")
    assert "Sensor State: 0" in line.ask("queryDemoStatus")


def test_port_goes_when_it_closes():
    with AWR1843Emulator() as radar:
        assert os.path.exists(radar.port)
    assert not os.path.exists(radar.port)
