"""What `puffin envs` says agrees with what `puffin sync` did, and `puffin lock --check` shows what it would do."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.pipeline.commands.lock import pin_changes, text_difference
from puffin.stages.resolve.output.values import Listed
from puffin.stages.resolve.solve.request import Preference
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    for version in ("1.0", "2.0"):
        index.add(*forge_wheel("lib", version))
    return index


def states(puffin):
    done = puffin("envs")
    rows = [line.split() for line in done.out.splitlines()[1:]]
    return {row[0]: " ".join(row[3:-1]) for row in rows}, done


def test_states_agree_with_the_last_sync(puffin, shop):
    puffin.file("puffin.toml", '[[env-glob]]\nmatch = "*/requirements.*"\n')
    puffin.file("loose/requirements.in", "lib\n")
    puffin.file("pinned/requirements.txt", "lib==1.0\n")
    puffin.file("wrong/requirements.txt", "lib==3.0\n")
    assert states(puffin)[0] == {"loose": "not locked", "pinned": "missing", "wrong": "missing"}
    assert puffin("sync", "-i", shop.url).code == 3
    found, done = states(puffin)
    assert found == {"loose": "up to date", "pinned": "up to date", "wrong": "failed before"}
    assert (done.code, done.err.startswith("warning: The last sync of `wrong` failed: ")) == (0, True)
    puffin.file("wrong/requirements.txt", "lib==2.0\n")
    assert puffin("sync", "-i", shop.url).code == 0
    assert states(puffin)[0] == dict.fromkeys(("loose", "pinned", "wrong"), "up to date")
    later = os.stat(puffin.cwd / "loose/requirements.in").st_mtime + 1000
    os.utime(puffin.cwd / "loose/requirements.in", (later, later))
    assert states(puffin)[0]["loose"] == "not locked"
    now = os.stat(puffin.cwd / "pinned/requirements.txt").st_mtime
    os.utime(puffin.cwd / "loose/requirements.in", (now, now))
    (puffin.cwd / "loose/requirements.in").write_text("lib>1\n")
    assert puffin("sync", "-i", shop.url).err == "Checked 3 environments (3 packages) in [TIME]\n"
    assert states(puffin)[0]["loose"] == "up to date"


def test_what_cannot_be_read_is_a_failure(puffin, shop):
    puffin.file("puffin.toml", '[[env-glob]]\nmatch = "*/requirements.*"\n')
    puffin.file("good/requirements.txt", "lib==1.0\n")
    puffin.file("bad/requirements.txt", "lib ==\n")
    found, done = states(puffin)
    assert (done.code, found) == (3, {"bad": "failed", "good": "missing"})
    assert "Couldn't parse requirement" in done.err


def test_a_check_shows_lines_where_pins_are_the_same(puffin, shop):
    puffin.file("a/requirements.in", "lib\n")
    assert puffin("lock", "a/requirements.in", "-i", shop.url).code == 0
    path = puffin.cwd / "a/requirements.txt"
    path.write_text(path.read_text().replace("    # via", "    # by hand, via"))
    done = puffin("lock", "a/requirements.in", "-i", shop.url, "--check")
    assert done.code == 4
    assert done.err.splitlines()[1] == " -     # by hand, via -r a/requirements.in"


names = st.sampled_from("abc")
pins = st.dictionaries(names, st.sampled_from(["1", "2"]))


@given(pins, pins)
def test_the_difference_leads_from_one_lock_to_the_other(before, after):
    lines = pin_changes(
        [Preference(name=name, version=version) for name, version in before.items()],
        [Listed(name=name, version=version) for name, version in after.items()],
    )
    made = set(before.items())
    for line in lines:
        (made.remove if line.sign == "-" else made.add)((line.name, line.version))
    assert made == set(after.items())


@given(st.lists(st.sampled_from(["a", "-b", "--- c", "@@ d"])), st.lists(st.sampled_from(["a", "-b", "e"])))
def test_no_line_of_a_text_is_taken_for_a_head(before, after):
    texts = ["\n".join(each).encode() for each in (before, after)]
    lines = text_difference(*texts)
    assert bool(lines) == (b"".join(texts[0].splitlines(True)).splitlines() != texts[1].splitlines())
    known = {*before, *after}
    assert all(line.name in known or line.sign == "~" for line in lines)
