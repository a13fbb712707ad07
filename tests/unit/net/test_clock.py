"""Hosts and ports resolved within a deadline, as every connection of the lab begins."""

import socket

import pytest

from mtls_lab import ask
from mtls_lab.net.clock import Clock, addresses
from mtls_lab.wire.recording import pcapng

#: Some interface of this machine, whose number is the zone of an address on it.
NUMBER, NAME = socket.if_nameindex()[0]


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
def test_a_port_that_there_is_not_is_no_other_port(port: int) -> None:
    """glibc takes 99999 for 34463."""
    with pytest.raises(OSError, match=f"there is no port {port}"):
        addresses("127.0.0.1", port, Clock(1))
    assert str(ask("PING", ("127.0.0.1", port)).device) == (
        f"device   connect ✗ OSError: there is no port {port}"
    )


def test_an_address_keeps_its_zone() -> None:
    """Without it, connect(2) knows no way to a link-local address: EINVAL."""
    found = addresses(f"fe80::1%{NAME}", 443, Clock(1))
    assert found == [(socket.AF_INET6, (f"fe80::1%{NUMBER}", 443))]


def test_a_zone_is_in_no_packet() -> None:
    device, backend = ("fe80::1", 40_000), ("fe80::2%3", 443)
    assert pcapng(device, backend, []) == pcapng(device, ("fe80::2", 443), [])
