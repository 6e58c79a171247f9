import os
import socket

import pytest

from embedded.ports import LOOPBACK, PortTaken, choose_free, require_free


def test_every_name_gets_a_port_of_its_own() -> None:
    chosen = choose_free(["a", "b", "c", "d"])

    assert list(chosen) == ["a", "b", "c", "d"]
    assert len(set(chosen.values())) == 4


def test_ports_lie_below_those_the_kernel_gives_to_connections() -> None:
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first = int(file.read().split()[0])

    assert all(port < first for port in choose_free("abcdefgh").values())


def test_a_taken_port_is_named_with_its_owner() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken) as refused:
            require_free(port, [LOOPBACK])

    said = str(refused.value)
    assert f"Port {port} is already in use by process {os.getpid()}" in said
    assert f"make up PORT={port + 1}" in said


def test_a_free_port_is_accepted() -> None:
    port = choose_free(["only"])["only"]

    require_free(port, [LOOPBACK])

    with socket.create_server((LOOPBACK, port)) as listener:
        assert listener.getsockname()[1] == port
