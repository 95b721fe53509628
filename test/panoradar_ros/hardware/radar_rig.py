"""The radar front end with both emulated devices."""

import threading
import time
from contextlib import contextmanager

import numpy as np
from wire_pattern import (
    SMALL,
    frame_words,
    free_port,
)

from mmwave.emulation.awr1843 import AWR1843Emulator
from mmwave.emulation.dca1000 import DCA1000Emulator
from panoradar_ros.hardware.radar import (
    RadarFrontEnd,
)

HOST, DEVICE = "127.0.0.1", "127.0.0.2"


class Rig:
    """Both emulators and a player; frames are numbered through all starts of the radar."""

    def __init__(self, faults=None, radar=None, **card):
        control, data = (free_port(HOST, DEVICE) for _ in range(2))
        self.radar = AWR1843Emulator(on_start=self._start, on_stop=self._stop, **(radar or {}))
        self.card = DCA1000Emulator(
            SMALL,
            control_port=control,
            data_port=data,
            faults=faults,
            on_reset_radar=self.radar.reset,
            **card,
        )
        self.number = 0
        self.sessions = []  # number of the first frame of each start
        self._running = threading.Event()
        self._idle = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._play, daemon=True)

    def _start(self, waveform):
        assert waveform == SMALL
        self._running.set()

    def _stop(self):
        self._running.clear()
        assert self._idle.wait(5.0)  # as a chip that is reset, it sends no more

    def pause(self):
        """The radar falls silent, as if it crashed."""
        self._running.clear()

    def _play(self):
        while not self._closed:
            self._idle.set()
            if not self._running.wait(0.05):
                continue
            self._idle.clear()
            if not self._running.is_set():
                continue
            self.sessions.append(self.number)
            start_ns = time.time_ns() + 2_000_000
            frame = 0
            while self._running.is_set() and not self._closed:
                at_ns = start_ns + round(frame * SMALL.frame_period_s * 1e9)
                self.card.send_frame(frame_words(self.number), at_ns)
                self.number += 1
                frame += 1

    def __enter__(self):
        self.radar.start()
        self.card.start()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._closed = True
        self._thread.join()
        self._idle.set()
        self.card.close()
        self.radar.close()

    def front_end(self, **options):
        settings = {
            "serial_port": self.radar.port,
            "host_address": HOST,
            "device_address": DEVICE,
            "control_port": self.card.control_port,
            "data_port": self.card.data_port,
            "boot_timeout_s": 0.3,
            "stall_timeout_s": 3.0,
            "backoff_s": 0.05,
        }
        return RadarFrontEnd(SMALL, **(settings | options))


IMPATIENT = {"stall_timeout_s": 0.5, "card_timeout_s": 0.1}


@contextmanager
def running(faults=None, front_end=None, **rig):
    with Rig(faults, **rig) as made, made.front_end(**(front_end or {})) as radar:
        radar.start()
        yield made, radar


def take(radar, count, timeout_s=20.0):
    """The next blocks; fails if they do not come."""
    blocks = []
    guard = threading.Timer(timeout_s, radar.stop)
    guard.start()
    for block in radar.blocks():
        blocks.append(block)
        if len(blocks) == count:
            break
    guard.cancel()
    assert len(blocks) == count, f"got {len(blocks)} blocks: {radar.problem}"
    return blocks


def assert_times_increase(blocks):
    assert np.all(np.diff(np.concatenate([block.time_ns for block in blocks])) > 0)
