"""UDP ports that nobody uses."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack

_ATTEMPTS = 100


def free_udp_ports(number: int, addresses: Sequence[str] = ("127.0.0.1",)) -> tuple[int, ...]:
    """Ports that are free on every one of several addresses of this machine.

    They are all held until the last one is found, so that they differ.

    Args:
        number: of ports.
        addresses: IPv4 addresses.

    Raises:
        ValueError: number is not positive or there is no address.
        OSError: no such ports were found, or an address is not this machine's.
    """
    if number < 1 or not addresses:
        raise ValueError(f"number must be at least 1 on an address, got {number} on {addresses}")
    found: list[int] = []
    with ExitStack() as stack:
        for _ in range(_ATTEMPTS):
            first = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            first.bind((addresses[0], 0))
            port = first.getsockname()[1]
            try:
                for address in addresses[1:]:
                    other = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    other.bind((address, port))
            except OSError:
                continue
            found.append(port)
            if len(found) == number:
                return tuple(found)
    raise OSError(f"no {number} UDP ports are free on {', '.join(addresses)}")
