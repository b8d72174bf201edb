"""Pins of an earlier output as preferences."""

import pytest

from puffin.errors import UsageError
from puffin.stages.resolve.metadata.toml import InvalidProject
from puffin.stages.resolve.output.earlier import read_preferences, read_upgrades
from puffin.stages.resolve.requirements.errors import InvalidRequirementLine
from tests.helpers.requirements import fake_read

SHA = "sha256:" + "0" * 64


def preferred(text: str, path: str = "out.txt") -> list[tuple[str, str, tuple[str, ...]]]:
    found = read_preferences(path, read=fake_read({path: text}), environ={})
    return [(each.name, each.version, each.hashes) for each in found]


def test_pins_of_a_requirements_file() -> None:
    text = (
        f"# header\nSix==1.0 \\\n    --hash={SHA}\nidna[x]===2 ; os_name == 'nt'\nattrs>=1\nclick==8.*\n./p\n"
    )
    assert preferred(text) == [("six", "1.0", (SHA,)), ("idna", "2", ())]


def test_pins_of_a_lock_file() -> None:
    text = 'lock-version = "1.0"\n[[packages]]\nname = "six"\nversion = "1.0"\n[[packages]]\nname = "p"\n'
    assert preferred(text, "pylock.toml") == [("six", "1.0", ())]


def test_no_file_has_no_pins() -> None:
    assert read_preferences("out.txt", read=fake_read({}), environ={}) == ()


def test_what_is_no_output_of_an_earlier_run_is_not_overwritten() -> None:
    with pytest.raises(InvalidRequirementLine) as caught:
        preferred('{"a": 1}')
    assert caught.value.hints[-1] == "`out.txt` is to be the output: choose another file, or remove it"
    with pytest.raises(InvalidProject, match="not an array of tables"):
        preferred("packages = 1", "pylock.toml")


def test_upgrades() -> None:
    some = read_upgrades(False, ["Six", "idna<3 ; os_name == 'posix'"])
    assert [some.keeps(name) for name in ("six", "idna", "attrs")] == [False, False, True]
    assert [(limit.name, limit.specifier, limit.marker) for limit in some.limits] == [
        ("idna", "<3", 'os_name == "posix"')
    ]
    assert not read_upgrades(True, []).keeps("attrs")
    with pytest.raises(UsageError, match="`six=1` is not a package"):
        read_upgrades(False, ["six=1"])
