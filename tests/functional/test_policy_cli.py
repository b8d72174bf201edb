"""Policies of a sync: hashes that are not to be checked, and the check of what is installed."""

import pytest

from tests.helpers.cli import checked, lines
from tests.helpers.wheels import forge_wheel

WRONG = "--hash=sha256:" + "0" * 64


@pytest.fixture
def shop(index):
    index.add(*forge_wheel("alpha", "1.0"), hashes=False)
    index.add(*forge_wheel("beta", "1.0", requires=["alpha>1", "gone"]))
    return index


@pytest.mark.parametrize(
    ("words", "environ"), [(("--no-verify-hashes",), {}), ((), {"PUFFIN_NO_VERIFY_HASHES": "1"})]
)
def test_hashes_of_files_can_go_unchecked(puffin, env, shop, words, environ):
    text = f"--require-hashes\nalpha==1.0 {WRONG}\n"
    assert puffin.sync(text, "-i", shop.url).code == 1
    assert puffin.sync(None, "-i", shop.url, *words, env=environ).code == 0
    assert env.installed() == {"alpha": "1.0"}
    puffin("pip", "uninstall", "alpha")
    done = puffin("pip", "install", "-r", "requirements.txt", "-i", shop.url, *words, env=environ)
    assert (done.code, env.installed()) == (0, {"alpha": "1.0"})


def test_one_cannot_demand_hashes_and_not_check_them(puffin, env):
    done = puffin.sync("six==1\n", "--require-hashes", "--no-verify-hashes")
    assert (done.code, done.err) == (
        2,
        lines(
            "error: `--require-hashes` cannot be used with `--no-verify-hashes`",
            "",
            "hint: leave out one of them",
        ),
    )


def test_files_that_are_too_new_do_not_exist(puffin, env, shop):
    text = "alpha==1.0\n"
    done = puffin.sync(text, "-i", shop.url, "--exclude-newer", "2024-01-01")
    assert (done.code, done.err) == (
        1,
        lines(
            "error: Failed to find the files of 1 package",
            "  ╰─▶ Failed to find `alpha==1.0`: no file is known to be older than `--exclude-newer 2024-01-01`",
        ),
    )
    assert puffin.sync(text, "-i", shop.url, env={"PUFFIN_EXCLUDE_NEWER": "2024-01-02"}).code == 0
    puffin("pip", "uninstall", "alpha")
    assert puffin.sync(text, "-i", shop.url, "--exclude-newer", "2024-01-01").code == 1, "found before or not"
    done = puffin.sync(text, "--exclude-newer", "yesterday")
    assert done.err.startswith("error: `yesterday` is neither a date nor a time")


def test_strict_tells_what_does_not_fit_together(puffin, env, shop):
    text = "alpha==1.0\nbeta==1.0\n"
    done = puffin.sync(text, "-i", shop.url)
    assert (done.code, "warning" in done.err) == (0, False)
    warned = [line for line in puffin.sync(None, "--strict").err.splitlines() if line.startswith("warning: ")]
    assert len(warned) == 2
    assert all("`beta`" in line for line in warned)
    assert puffin.sync(None, env={"PUFFIN_STRICT": "1"}).err.startswith(checked(2))
    assert puffin.sync("alpha==1.0\n", "--strict").err.count("warning") == 0
