import socket

import pytest

from panoradar_ros.ports import free_udp_ports


def test_the_ports_differ_and_are_free_on_every_address():
    addresses = ("127.0.0.1", "127.0.0.2")
    ports = free_udp_ports(3, addresses)
    assert len(set(ports)) == 3
    for address in addresses:
        for port in ports:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.bind((address, port))


def test_senseless_wishes_are_refused():
    with pytest.raises(ValueError, match="number must be at least 1"):
        free_udp_ports(0)
