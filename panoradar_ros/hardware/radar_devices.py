"""The radar's command line and the capture card through ``xwr``, with errors that name a remedy."""

import contextlib
import errno
import logging
import os
import socket
import struct
import termios
import time
from collections.abc import Callable
from typing import Any, TypeVar

from serial.tools import list_ports
from xwr import DCAConfig, XWRConfig
from xwr.capture import DCA1000EVM, DCAError
from xwr.capture.defines import LVDS
from xwr.radar import AWR1843L, XWRError

from panoradar_ros.hardware.errors import HardwareError

logger = logging.getLogger(__name__)

T = TypeVar("T")
_SLICE_S = 0.1


class RadarError(HardwareError):
    """The radar or its capture card is not in order."""


class RadarPortError(RadarError):
    """The serial port cannot be used."""


class RadarAnswerError(RadarError):
    """The radar answered a command with an error, or not at all."""


class CaptureCardError(RadarError):
    """The capture card does not answer, or refuses, or cannot be reached."""


class InterruptedRadarError(RadarError):
    """The user stopped the radar while it was being configured."""


class RadarCommandLine(AWR1843L):
    """The AWR1843's command line with time limits of ours and errors that name the remedy.

    Args:
        port: serial port; None looks for it.
        timeout_s: longest wait for the answer to a command.
        interrupted: asked while waiting; True ends the wait with an InterruptedRadarError.

    Raises:
        RadarPortError: the port is missing, busy, forbidden or no serial port.
    """

    def __init__(self, port: str | None, timeout_s: float, interrupted: Callable[[], bool]) -> None:
        self._timeout_s = timeout_s
        self._interrupted = interrupted
        try:
            super().__init__(port=port)
            self.port.exclusive = True
        except XWRError as error:
            raise RadarPortError(
                "No radar found: none of the serial ports belongs to an XDS110 debugger. Connect "
                "the radar's USB cable and switch it on, or name its port. "
                f"Ports on this machine: {_ports()}"
            ) from error
        except (OSError, termios.error) as error:
            with contextlib.suppress(AttributeError, OSError):
                self.port.close()
            raise RadarPortError(_port_remedy(str(port), error)) from error

    def _wait_for_response(self, timeout: float = 10.0) -> bytearray:
        """Read until the prompt without keeping the processor busy.

        Raises:
            TimeoutError: no prompt in time.
            InterruptedRadarError: the user stopped the radar.
        """
        answer = bytearray()
        prompt = self._CMD_PROMPT.encode()
        deadline_s = time.monotonic() + timeout
        while not answer.endswith(prompt):
            if self._interrupted():
                raise InterruptedRadarError("The radar was stopped while it was being configured")
            remaining_s = deadline_s - time.monotonic()
            if remaining_s <= 0:
                raise TimeoutError
            self.port.timeout = min(remaining_s, _SLICE_S)
            answer += self.port.read(max(1, self.port.in_waiting))
        return answer

    def send(self, cmd: str, timeout: float | None = None) -> None:
        """Send a command and wait for its answer.

        Raises:
            RadarAnswerError: the answer is an error, or none came in time.
            RadarPortError: the port is gone.
        """
        try:
            super().send(cmd, timeout=self._timeout_s if timeout is None else timeout)
        except XWRError as error:
            raise RadarAnswerError(
                f"The radar on {self.port.port} answered '{cmd}' with: {_one_line(str(error))}. "
                "Check the waveform's settings and that the board runs the mmWave SDK 3.x demo; "
                "if it does, switch the radar off and on"
            ) from error
        except TimeoutError as error:
            raise RadarAnswerError(
                f"The radar on {self.port.port} does not answer '{cmd}' within "
                f"{self._timeout_s:g} s. Check its power, that its switches are set to run from "
                "flash, that it runs the mmWave SDK demo, and that this is the command port "
                "(the lower-numbered of its two)"
            ) from error
        except (OSError, termios.error) as error:
            raise RadarPortError(
                f"The connection to the radar on {self.port.port} broke ({error}). "
                "Check the USB cable"
            ) from error

    def await_boot(self, timeout_s: float) -> None:
        """Wait for the prompt after a reset; goes on without if the board does not say anything."""
        try:
            self._wait_for_response(timeout_s)
        except TimeoutError:
            logger.info("The radar printed no prompt after its reset; trying it anyway.")
        except (OSError, termios.error) as error:
            raise RadarPortError(
                f"The connection to the radar on {self.port.port} broke ({error}). "
                "Check the USB cable"
            ) from error

    def forget_input(self) -> None:
        """Throw away what the radar has said so far."""
        with contextlib.suppress(OSError, termios.error):
            self.port.reset_input_buffer()

    def close(self) -> None:
        """Close the port."""
        with contextlib.suppress(OSError, termios.error):
            self.port.close()


def configure(radar: RadarCommandLine, config: XWRConfig) -> None:
    """Send the whole configuration.

    Raises:
        RadarError: see :meth:`RadarCommandLine.send`.
    """
    settings: dict[str, Any] = config.as_dict()
    radar.setup(**settings)


def _ports() -> str:
    return ", ".join(sorted(port.device for port in list_ports.comports())) or "none"


def _one_line(text: str) -> str:
    return " / ".join(line.strip() for line in text.splitlines() if line.strip())


def _port_remedy(port: str, error: OSError | termios.error) -> str:
    code = getattr(error, "errno", None)
    text = str(error)
    if code == errno.ENOENT or not os.path.exists(port):
        return (
            f"Serial port {port} does not exist. Connect the radar's USB cable and switch it on, "
            f"or name another port. Ports on this machine: {_ports()}"
        )
    if code in (errno.EACCES, errno.EPERM):
        return (
            f"No right to open serial port {port}. Run `sudo usermod -aG dialout $USER`, then log "
            "out and in again"
        )
    if code == errno.EBUSY or "exclusively lock" in text or "temporarily unavailable" in text:
        return (
            f"Serial port {port} is in use by another program. Close that; `fuser -v {port}` "
            "shows it"
        )
    return f"{port} cannot be used as a serial port ({text}). Name the radar's command port"


class CaptureCard:
    """The DCA1000 through ``xwr``, with errors that name the remedy.

    Args:
        config: addresses, ports and the packet delay.
        attempts: how often a request without an answer is repeated.

    Raises:
        CaptureCardError: the host's address is not on this machine, or a port is in use.
    """

    def __init__(self, config: DCAConfig, attempts: int = 3) -> None:
        self._config = config
        self._attempts = attempts
        try:
            self._card = DCA1000EVM(
                sys_ip=config.sys_ip,
                fpga_ip=config.fpga_ip,
                data_port=config.data_port,
                config_port=config.config_port,
                timeout=config.timeout,
                socket_buffer=config.socket_buffer,
            )
        except OSError as error:
            raise CaptureCardError(self._address_remedy(error)) from error

    @property
    def data_socket(self) -> socket.socket:
        """The bound socket on which data arrives."""
        return self._card.data_socket

    def setup(self) -> None:
        """Check that the card answers, and configure it for an AWR1843.

        Raises:
            CaptureCardError: it does not answer, refuses, or is something else.
        """
        self._request("is it there", self._card.system_aliveness)
        self._request("read its version", self._card.read_fpga_version)
        delay_us = self._config.delay
        self._request("configure recording", lambda: self._card.configure_record(delay=delay_us))
        self._request("configure the FPGA", lambda: self._card.configure_fpga(lvds=LVDS.TWO_LANE))

    def start_record(self) -> None:
        """Start recording: the card counts from packet 1 and sends what the radar samples.

        Raises:
            CaptureCardError: as :meth:`setup`.
        """
        self._request("start recording", self._card.start)

    def stop_record(self) -> None:
        """Stop recording.

        Raises:
            CaptureCardError: as :meth:`setup`.
        """
        self._request("stop recording", self._card.stop)

    def reset_radar(self) -> None:
        """Reboot the radar by its reset line.

        Raises:
            CaptureCardError: as :meth:`setup`.
        """
        self._request("reset the radar", self._card.reset_ar_device)

    def close(self) -> None:
        """Close both sockets."""
        self._card.config_socket.close()
        self._card.data_socket.close()

    def _request(self, what: str, call: Callable[[], T]) -> T:
        where = f"The DCA1000 at {self._config.fpga_ip}"
        for _ in range(self._attempts):
            self._forget_answers()
            try:
                return call()
            except TimeoutError:
                continue
            except DCAError as error:
                raise CaptureCardError(
                    f"{where} refuses to {what} ({error}). Switch it off and on; check that its "
                    "switches select software configuration and the 16-bit, two-lane mode"
                ) from error
            except OSError as error:
                raise CaptureCardError(
                    f"{where} cannot be reached ({error}). Check the network cable and that "
                    f"{self._config.sys_ip} is the address of the interface it is plugged into"
                ) from error
            except (AssertionError, struct.error) as error:
                raise CaptureCardError(
                    f"What answers at {self._config.fpga_ip}:{self._config.config_port} is not a "
                    "DCA1000. Check the device's address"
                ) from error
        raise CaptureCardError(
            f"{where} does not answer on UDP port {self._config.config_port} (asked to {what}, "
            f"{self._attempts} times {self._config.timeout:g} s). Check its power, the network "
            f"cable, and that this machine's address there is {self._config.sys_ip}; "
            "a firewall may also drop the answers"
        )

    def _forget_answers(self) -> None:
        """Drop answers to earlier requests that came too late."""
        opened = self._card.config_socket
        opened.setblocking(False)
        with contextlib.suppress(BlockingIOError, OSError):
            while opened.recv(2048):
                pass
        opened.settimeout(self._config.timeout)

    def _address_remedy(self, error: OSError) -> str:
        config = self._config
        if error.errno == errno.EADDRNOTAVAIL:
            return (
                f"{config.sys_ip} is not an address of this machine, but the DCA1000 sends there. "
                f"Run `sudo ip address add {config.sys_ip}/24 dev INTERFACE` with the network "
                "interface the card is plugged into"
            )
        if error.errno == errno.EADDRINUSE:
            return (
                f"UDP port {config.config_port} or {config.data_port} on {config.sys_ip} is in use "
                "by another program, perhaps another capture. Close that; `ss -ulpn` shows it"
            )
        return (
            f"Cannot open UDP ports {config.config_port} and {config.data_port} on "
            f"{config.sys_ip} ({error}). Check the address and the ports"
        )
