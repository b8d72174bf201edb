"""The manual page is that of the help, and roff takes it."""

import importlib.util
import shutil
import subprocess

import pytest

from puffin import errors
from tests.helpers.cli import CHECKOUT
from tests.helpers.commands import LEAVES

PAGE = CHECKOUT / "docs" / "puffin.1"


@pytest.fixture(scope="module")
def maker():
    found = importlib.util.spec_from_file_location("man", CHECKOUT / "docs" / "man.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(maker):
    assert PAGE.read_text() == maker.text(), "run `python docs/man.py`"


def test_each_command_and_exit_code_is_described():
    lines = [line.replace("\\-", "-") for line in PAGE.read_text().splitlines()]
    told = [line for line in lines if line.startswith(".SS puffin ")]
    assert told[0].startswith(".SS puffin sync ")
    assert ".B ENV|GLOB" in lines
    for name, command in LEAVES.items():
        assert command.hidden or any(f"{line} ".startswith(f".SS puffin {name} ") for line in told), name
    codes = {line.removeprefix(".B ") for line in lines if line.removeprefix(".B ").isdigit()}
    known = (
        errors.FAILED,
        errors.USAGE,
        errors.SOME_ENVIRONMENTS_FAILED,
        errors.DRIFT,
        errors.BUG,
        errors.TEMPORARY,
    )
    assert codes == {"0", *map(str, known)}


def test_roff_takes_it():
    if not shutil.which("groff"):
        pytest.skip("there is no groff")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", PAGE], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
