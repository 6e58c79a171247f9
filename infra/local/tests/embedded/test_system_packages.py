from pathlib import Path

from embedded.system_packages import WANTED, install_command, missing


def test_what_is_not_on_the_path_is_missing(tmp_path: Path) -> None:
    names = [package.name for package in missing(str(tmp_path))]

    assert "chromium" in names


def test_a_program_under_any_of_its_names_is_enough(tmp_path: Path) -> None:
    for name in ("google-chrome", "mariadbd"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)

    assert missing(str(tmp_path)) == []


def test_one_command_installs_all_without_questions() -> None:
    assert install_command(list(WANTED)) == [
        *("apt-get", "install", "-y", "--no-install-recommends"),
        *("chromium", "mariadb-server"),
    ]
