"""An AWR1843 with TI's mmWave demo firmware: its command line on a pseudo-terminal.

The firmware echoes each line, prints what it has to say, then ``Done`` or ``Error <code>``, and the
prompt ``mmwDemo:/>``. Commands and their arguments: TI, mmWave SDK user guide 3.x, table 1.
"""

import logging
import os
import select
import threading
import tty
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from mmwave.waveform import Waveform

logger = logging.getLogger(__name__)

PROMPT = "mmwDemo:/>"
BANNER = (
    "******************************************\n"
    "xWR18xx MMW Demo 03.06.00.00 (emulated)\n"
    "******************************************\n"
)

# number of arguments of each command the demo knows; more than one where versions of the SDK differ
_ARGUMENTS: dict[str, tuple[int, ...]] = {
    "adcCfg": (2,),
    "adcbufCfg": (5,),
    "analogMonitor": (2,),
    "aoaFovCfg": (5,),
    "bpmCfg": (4,),
    "calibData": (2, 3),
    "calibDcRangeSig": (5,),
    "cfarCfg": (9,),
    "cfarFovCfg": (4,),
    "channelCfg": (3,),
    "chirpCfg": (8,),
    "clutterRemoval": (2,),
    "compRangeBiasAndRxChanPhase": (17, 25),
    "configDataPort": (2,),
    "CQRxSatMonitor": (5,),
    "CQSigImgMonitor": (3,),
    "dfeDataOutputMode": (1,),
    "extendedMaxVelocity": (2,),
    "flushCfg": (0,),
    "frameCfg": (7,),
    "guiMonitor": (7,),
    "lowPower": (2,),
    "lvdsStreamCfg": (4,),
    "measureRangeBiasAndRxChanPhase": (3,),
    "multiObjBeamForming": (3,),
    "profileCfg": (14,),
    "queryDemoStatus": (0,),
    "sensorStart": (0, 1),
    "sensorStop": (0,),
    "version": (0,),
}
_NEEDED = (
    "dfeDataOutputMode",
    "channelCfg",
    "adcCfg",
    "adcbufCfg",
    "profileCfg",
    "chirpCfg",
    "frameCfg",
    "lvdsStreamCfg",
)
_INVALID = -1


class CommandError(Exception):
    """A command the firmware refuses; the text is what it prints before ``Error -1``."""


@dataclass
class _Settings:
    """What has been configured since the last ``flushCfg``."""

    arguments: dict[str, list[float]] = field(default_factory=dict)
    chirps: dict[int, list[float]] = field(default_factory=dict)

    def waveform(self) -> Waveform:
        """The chirps and frames this makes the chip send.

        Raises:
            CommandError: something is missing, or impossible.
        """
        missing = [name for name in _NEEDED if name not in self.arguments]
        if missing:
            raise CommandError(
                f"Error: Sensor configuration is incomplete: no {', '.join(missing)}"
            )
        profile = self.arguments["profileCfg"]
        first, last, loops, _, period_ms, _, _ = self.arguments["frameCfg"]
        chirps = range(int(first), int(last) + 1)
        if not chirps or any(index not in self.chirps for index in chirps):
            raise CommandError("Error: frameCfg names chirps that chirpCfg has not defined")
        enabled = int(self.arguments["channelCfg"][1])
        for index in chirps:
            transmitter = int(self.chirps[index][7])
            if transmitter.bit_count() != 1 or not transmitter & enabled:
                raise CommandError(f"Error: chirp {index} needs one transmitter of channelCfg")
        try:
            return Waveform(
                start_hz=_scaled(profile[1], 9),
                slope_hz_per_s=_scaled(profile[7], 12),
                sample_rate_hz=_scaled(profile[10], 3),
                samples_per_chirp=int(profile[9]),
                adc_start_s=_scaled(profile[3], -6),
                ramp_end_s=_scaled(profile[4], -6),
                idle_s=_scaled(profile[2], -6),
                loops_per_frame=int(loops),
                frame_period_s=_scaled(period_ms, -3),
                transmitters=len(chirps),
                receivers=int(self.arguments["channelCfg"][0]).bit_count(),
            )
        except ValueError as error:
            raise CommandError(f"Error: {error}") from error

    @property
    def streams(self) -> bool:
        """Whether complex ADC samples go to the capture card."""
        complex_samples = self.arguments["adcCfg"][1] in (1, 2)
        _, header, data_format, _ = self.arguments["lvdsStreamCfg"]
        return complex_samples and header == 0 and data_format == 1


def _scaled(value: float, exponent: int) -> float:
    """``value * 10**exponent``, correctly rounded, as if written in one number."""
    return float(f"{value!r}e{exponent}")


class AWR1843Emulator:
    """Speaks the demo's command line on a pseudo-terminal; works once started.

    Args:
        on_start: called with the configured waveform when the sensor starts and streams samples.
            Like ``on_stop``, it is called from another thread and must return soon.
        on_stop: called when a sensor that streams stops, or is reset.
        answer_error_to: a command that is always answered with an error.
        silent: never answer, as a board without power.

    Attributes:
        port: path of the serial port; exists while started.
        lines: the command lines received, in order.
        waveform: what plays now; None while stopped.
    """

    def __init__(
        self,
        *,
        on_start: Callable[[Waveform], None] | None = None,
        on_stop: Callable[[], None] | None = None,
        answer_error_to: str | None = None,
        silent: bool = False,
    ) -> None:
        self.on_start = on_start
        self.on_stop = on_stop
        self.answer_error_to = answer_error_to
        self.silent = silent
        self.port = ""
        self.lines: list[str] = []
        self.waveform: Waveform | None = None
        self._settings = _Settings()
        self._started = False
        self._lock = threading.RLock()

    def start(self) -> None:
        """Open the pseudo-terminal and answer."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="awr1843-emulator", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the sensor and close the pseudo-terminal."""
        os.write(self._wake_write, b"x")
        self._thread.join()
        self._stop_sensor()
        for descriptor in (self._master, self._slave, self._wake_read, self._wake_write):
            os.close(descriptor)

    def __enter__(self) -> "AWR1843Emulator":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def reset(self) -> None:
        """Reboot, as the capture card's reset line does: forget everything and print the banner."""
        with self._lock:
            self._stop_sensor()
            self._settings = _Settings()
            self._write(f"\n{BANNER}\r{PROMPT}")

    @property
    def started(self) -> bool:
        """Whether the sensor runs."""
        return self._started

    def _serve(self) -> None:
        received = b""
        while True:
            ready, _, _ = select.select([self._master, self._wake_read], [], [])
            if self._wake_read in ready:
                return
            received += os.read(self._master, 4096)
            *lines, received = received.replace(b"\r", b"\n").split(b"\n")
            for line in lines:
                self._take(line.decode("ascii", errors="replace"))

    def _write(self, text: str) -> None:
        if not self.silent:
            os.write(self._master, text.encode("ascii", errors="replace"))

    def _take(self, line: str) -> None:
        with self._lock:
            self._write(f"{line}\n{self._respond(line.strip())}\r{PROMPT}")

    def _respond(self, line: str) -> str:
        if not line or line.startswith("%"):
            return ""
        self.lines.append(line)
        name, *words = line.split()
        if name not in _ARGUMENTS:
            return f"'{name}' is not recognized as a CLI command\n"
        try:
            if name == self.answer_error_to:
                raise CommandError("Error: MMWave configuration failed [Error code -3100]")
            return f"{self._execute(name, words)}Done\n"
        except CommandError as error:
            return f"{error}\nError {_INVALID}\n"

    def _execute(self, name: str, words: list[str]) -> str:
        """Carry out a command; returns what is printed before ``Done``.

        Raises:
            CommandError: the firmware refuses it.
        """
        if len(words) not in _ARGUMENTS[name]:
            raise CommandError("Error: Invalid usage of the CLI command")
        try:
            arguments = [float(word) for word in words]
        except ValueError as error:
            raise CommandError("Error: Invalid usage of the CLI command") from error
        if name == "sensorStop":
            return self._stop_sensor()
        if name == "sensorStart":
            return self._start_sensor()
        if name == "version":
            return BANNER
        if name == "queryDemoStatus":
            return f"Sensor State: {int(self._started)}\n"
        if self._started:
            raise CommandError("Error: Configuration is not possible while the sensor runs")
        if name == "flushCfg":
            self._settings = _Settings()
        else:
            self._configure(name, arguments)
        return ""

    def _configure(self, name: str, arguments: list[float]) -> None:
        """Check what the chip would refuse, and remember the rest."""
        if name == "channelCfg" and not (1 <= arguments[0] <= 15 and 1 <= arguments[1] <= 7):
            raise CommandError(
                "Error: channelCfg needs receivers from 1 to 15, transmitters 1 to 7"
            )
        if name == "profileCfg" and not 76 <= arguments[1] <= 81:
            raise CommandError("Error: start frequency is outside 76 to 81 GHz")
        if name == "frameCfg" and not 1 <= arguments[2] <= 255:
            raise CommandError("Error: numLoops is outside 1 to 255")
        if name == "dfeDataOutputMode" and arguments[0] != 1:
            raise CommandError("Error: only frame-based chirps (mode 1) are emulated")
        if name == "chirpCfg":
            first, last = int(arguments[0]), int(arguments[1])
            if not 0 <= first <= last <= 511:
                raise CommandError("Error: chirp index is outside 0 to 511")
            for index in range(first, last + 1):
                self._settings.chirps[index] = arguments
        self._settings.arguments[name] = arguments

    def _start_sensor(self) -> str:
        if self._started:
            return "Ignored: Sensor is already started\n"
        waveform = self._settings.waveform()
        self._started = True
        if self._settings.streams:
            self.waveform = waveform
            if self.on_start is not None:
                self.on_start(waveform)
        return "Debug: Init Calibration Status = 0x1ffe\n"

    def _stop_sensor(self) -> str:
        with self._lock:
            if not self._started:
                return "Ignored: Sensor is already stopped\n"
            self._started = False
            streamed, self.waveform = self.waveform is not None, None
            if streamed and self.on_stop is not None:
                self.on_stop()
            return ""
