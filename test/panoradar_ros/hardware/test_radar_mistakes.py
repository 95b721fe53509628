import errno
import os
import socket
import threading
from dataclasses import replace

import pytest
import serial.serialposix
from radar_rig import Rig
from wire_pattern import (
    SMALL,
)
from xwr import DCAConfig, check_config

from mmwave.emulation.dca1000 import Command
from mmwave.waveform import Waveform
from panoradar_ros.hardware.errors import HardwareError
from panoradar_ros.hardware.radar import (
    RadarFrontEnd,
    check_waveform,
    xwr_config,
)

HOST, DEVICE = "127.0.0.1", "127.0.0.2"


def connecting_fails(rig, **options):
    radar = rig.front_end(**options)
    with pytest.raises(HardwareError) as caught:
        radar.start()
    radar.disconnect()
    return str(caught.value)


def test_missing_serial_port():
    with Rig() as rig:
        message = connecting_fails(rig, serial_port="/dev/ttyNOWHERE")
    assert "/dev/ttyNOWHERE does not exist" in message
    assert "USB cable" in message


def test_serial_port_without_rights(monkeypatch):
    def refuse(path, *_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    with Rig() as rig:
        monkeypatch.setattr(serial.serialposix.os, "open", refuse)
        message = connecting_fails(rig)
    assert rig.radar.port in message
    assert "usermod -aG dialout" in message


def test_serial_port_in_use():
    with Rig() as rig, Rig() as other, rig.front_end():
        message = connecting_fails(other, serial_port=rig.radar.port)
    assert rig.radar.port in message
    assert "is in use by another program" in message


def test_what_is_no_serial_port():
    with Rig() as rig:
        message = connecting_fails(rig, serial_port="/dev/null")
    assert "/dev/null cannot be used as a serial port" in message


@pytest.mark.parametrize("command", ["profileCfg", "frameCfg", "sensorStart"])
def test_radar_that_answers_an_error(command):
    with Rig(radar={"answer_error_to": command}) as rig:
        message = connecting_fails(rig)
    assert f"answered '{command}" in message
    assert "configuration failed" in message
    assert rig.radar.port in message


def test_radar_that_is_silent():
    with Rig(radar={"silent": True}) as rig:
        message = connecting_fails(rig, radar_timeout_s=0.3)
    assert "does not answer 'sensorStop'" in message
    assert "power" in message


def test_card_that_never_answers():
    with Rig(silent=True) as rig:
        message = connecting_fails(rig, card_timeout_s=0.1)
    assert f"The DCA1000 at {DEVICE} does not answer on UDP port {rig.card.control_port}" in message
    assert "network cable" in message


@pytest.mark.parametrize("command", [Command.CONFIG_FPGA, Command.START_RECORD])
def test_card_that_refuses(command):
    with Rig(refuse=frozenset({command})) as rig:
        assert "refuses to" in connecting_fails(rig)


def test_address_that_is_not_on_this_machine():
    with Rig() as rig:
        message = connecting_fails(rig, host_address="192.0.2.77")
    assert "192.0.2.77 is not an address of this machine" in message
    assert "sudo ip address add 192.0.2.77/24" in message


def test_ports_in_use():
    with Rig() as rig, rig.front_end():
        assert "in use by another program" in connecting_fails(rig)


def test_device_address_that_cannot_be_reached():
    with Rig() as rig:
        message = connecting_fails(rig, device_address="192.0.2.1", card_timeout_s=0.1)
    assert "192.0.2.1" in message
    assert "cable" in message


def test_something_else_at_the_cards_address():
    with Rig() as rig, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.4", rig.card.control_port))

        def answer():
            _, address = other.recvfrom(2048)
            other.sendto(b"HTTP/1.1 400 Bad Request", address)

        helper = threading.Thread(target=answer)
        helper.start()
        message = connecting_fails(rig, device_address="127.0.0.4", card_timeout_s=5.0)
        helper.join()
    assert "is not a DCA1000" in message


def test_default_waveform_passes_all_constraints():
    check_waveform(Waveform())
    check_waveform(SMALL)
    results = check_config(xwr_config(Waveform()), DCAConfig(), log=False)
    assert all(result.passed for result in results)


def test_configuration_holds_the_waveform_in_the_drivers_units():
    config = xwr_config(Waveform(), "/dev/ttyACM0")
    assert config.as_dict() == {
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
    assert config.device_name == "AWR1843L"
    assert config.frame_size == Waveform().bytes_per_frame
    assert config.port == "/dev/ttyACM0"


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"idle_s": 1e-6, "frame_period_s": 7e-3}, ["RFDutyCycle"]),
        ({"frame_period_s": 25e-3}, ["FrameDutyCycle"]),
        ({"loops_per_frame": 60}, ["FrameLengthPowerOfTwo"]),
        ({"samples_per_chirp": 250}, ["AdcSamplesPowerOfTwo"]),
        ({"slope_hz_per_s": 90e12}, ["FrequencyRange", "MaxBandwidth"]),
        ({"start_hz": 78e9}, ["FrequencyRange", "StartFrequency"]),
        ({"receivers": 2}, ["Antennas"]),
        ({"sample_rate_hz": 5_120_500.0}, ["SampleRateStep"]),
        ({"sample_rate_hz": 1e6, "samples_per_chirp": 32}, ["MinSampleRate"]),
        ({"loops_per_frame": 256, "frame_period_s": 0.2}, ["CubeSizeLimit"]),
    ],
)
def test_constraints_that_fail_are_named(changes, names):
    waveform = replace(Waveform(), **changes)
    with pytest.raises(ValueError, match="cannot send") as caught:
        check_waveform(waveform)
    for name in names:
        assert f"{name}:" in str(caught.value)
    with pytest.raises(ValueError, match=names[0]):
        RadarFrontEnd(waveform)


def test_times_must_be_positive():
    with pytest.raises(ValueError, match="stall_timeout_s"):
        RadarFrontEnd(Waveform(), stall_timeout_s=0)
