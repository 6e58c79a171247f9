import os
import sys

from embedded import procfs


def test_a_live_process_is_known_beyond_its_number() -> None:
    found = procfs.identity(os.getpid())

    assert found is not None
    assert found.executable == os.path.realpath(sys.executable)
    assert found.started.isdigit()


def test_a_process_that_is_not_there_is_nobody() -> None:
    highest = 4_194_304  # The kernel gives out no pid from here on.

    assert procfs.identity(highest) is None
    assert procfs.session_members(highest) == []
    assert procfs.command_line(highest) == ""


def test_a_session_holds_those_it_began() -> None:
    members = procfs.session_members(os.getsid(0))

    assert os.getpid() in {member.pid for member in members}


def test_a_port_that_nobody_listens_on_has_no_owner() -> None:
    assert procfs.port_owner(1) is None
