"""Many datagrams in one system call, when they are due."""

import ctypes
import errno
import socket
import struct
import threading
import time

import numpy as np

from mmwave.dca1000.receiver import kernel_function, message_headers
from mmwave.emulation.link import Outgoing


class Punctuality(threading.local):
    """Asks the kernel to wake a thread when it said, not up to 50 us later."""

    _PR_SET_TIMERSLACK = 29
    asked = False

    def ask(self) -> None:
        """For the calling thread, once."""
        prctl = None if self.asked else kernel_function("prctl")
        self.asked = True
        if prctl is not None:
            prctl(self._PR_SET_TIMERSLACK, ctypes.c_ulong(1_000), 0, 0, 0)


class PacketSender:
    """Sends rows of an array as datagrams, many in one system call."""

    def __init__(self, destination: tuple[str, int]) -> None:
        self._destination = destination
        name = struct.pack("=H", socket.AF_INET) + struct.pack(">H", destination[1])
        name += socket.inet_aton(destination[0]) + bytes(8)
        self._name = np.frombuffer(name, np.uint8)
        self._sendmmsg = kernel_function("sendmmsg")

    def load(self, outgoing: Outgoing) -> None:
        """Point at the packets that are sent next."""
        self._packets = np.ascontiguousarray(outgoing.packets)
        self._lengths = outgoing.length_bytes
        names = np.tile(self._name, (len(outgoing), 1))
        self._headers, self._vectors = message_headers(self._packets, names, None)
        self._names = names  # the headers point at it
        self._vectors[:, 1] = outgoing.length_bytes

    def send(self, opened: socket.socket, first: int, last: int) -> None:
        """Send packets [first, last)."""
        while first < last:
            if self._sendmmsg is None:
                packet = self._packets[first, : self._lengths[first]]
                opened.sendto(packet.tobytes(), self._destination)
                first += 1
                continue
            at = self._headers.ctypes.data + first * self._headers.itemsize
            count = self._sendmmsg(opened.fileno(), ctypes.c_void_p(at), last - first, 0)
            if count < 0:
                code = ctypes.get_errno()
                if code not in (errno.EAGAIN, errno.EINTR, errno.ENOBUFS, errno.ECONNREFUSED):
                    raise OSError(code, f"sending packets failed: {errno.errorcode.get(code)}")
                time.sleep(0.0001)
                continue
            first += count
