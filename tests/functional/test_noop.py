"""The no-op: the answer of a run that found nothing to do is repeated, as long as nothing it depends on has changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from puffin.cache import frame
from tests.helpers.cli import checked, lines
from tests.helpers.noop import forget, kept, looked_at, needs_strace, uncovered
from tests.helpers.noop_worlds import (
    AT_ONCE,
    PINS,
    WORLDS,
    compiled,
    compiled_of_links,
    included,
    installed,
    installed_of_file,
    many,
    plain,
)
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    for name in ("alpha", "beta", "gamma"):
        for version in ("1.0", "2.0"):
            index.add(*forge_wheel(name, version))
    return index


@pytest.fixture(params=WORLDS, ids=lambda world: world.__name__)
def world(request, puffin, env, shop, tmp_path):
    return request.param(puffin, shop, tmp_path)


def kept_fields(puffin):
    """Return the fields of the answer that is kept, if one is; what is young in one run is not so in the next."""
    paths = list((puffin.cache / "answers-v0").glob("*"))
    fields = frame.load(paths[0].read_bytes()) if paths else ()
    return [set(each) if isinstance(each, tuple) else each for each in (*fields[:7], *fields[8:])]


def run(puffin, world, **changes):
    return puffin(*world.words, env={**world.env, **changes}, cwd=world.cwd)


@needs_strace
def test_all_that_a_run_looks_at_is_what_its_answer_depends_on(puffin, world):
    kept(puffin, *world.words, env=world.env, cwd=world.cwd)
    forget(puffin)
    seen = looked_at(puffin, *world.words, env=world.env, cwd=world.cwd)
    answer = kept(puffin, *world.words, env=world.env, cwd=world.cwd, runs=1)
    assert not uncovered(puffin, answer, seen, world.cwd)
    answer.files = {
        path: stamp for path, stamp in answer.files.items() if not path.endswith(("r.txt", ".toml", ".in"))
    }
    assert (
        uncovered(puffin, answer, seen, world.cwd) or "install" in world.words
    )  # so that this test finds things


def test_what_is_repeated_is_what_was_said(puffin, world):
    answer = kept(puffin, *world.words, env=world.env, cwd=world.cwd)
    forget(puffin)
    full = run(puffin, world)
    assert answer.holds(**world.env)
    quick = run(puffin, world)
    assert (quick.code, quick.out, quick.err) == (full.code, full.out, full.err)
    for path in answer.files:
        place = os.path.join(world.cwd or puffin.cwd, path)
        if os.path.isfile(place) and str(puffin.root) in os.path.abspath(place) and not os.path.islink(place):
            with open(place, "ab") as file:
                file.write(b"\n# more\n")
            assert not answer.holds(**world.env), path
            break
    else:
        raise AssertionError("it depends on no file")


@pytest.mark.parametrize("make", [*AT_ONCE, installed, installed_of_file], ids=lambda make: make.__name__)
def test_the_answer_to_the_next_run_is_kept_after_a_change(puffin, env, shop, tmp_path, make):
    """It is the one that the next run would keep itself."""
    world = make(puffin, shop, tmp_path)
    for _ in range(2):  # the first finds out about the interpreter
        assert run(puffin, world).code == 0
        forget(puffin)
        for place in puffin.cwd.rglob("site-packages/alpha*"):
            shutil.rmtree(place)
    assert "Checked" not in run(puffin, world).err
    early = kept_fields(puffin)
    quick = run(puffin, world)
    forget(puffin)
    full = run(puffin, world)
    assert (quick.code, quick.out, quick.err) == (full.code, full.out, full.err)
    if make in AT_ONCE:
        assert early == kept_fields(puffin)
    else:
        assert not early


def test_what_others_bring_in_during_a_run_is_seen_by_the_next(puffin, env, shop, monkeypatch):
    words = ("pip", "sync", "r.txt", "-i", shop.url)
    puffin.file("r.txt", "alpha==1.0\n")
    assert puffin(*words).code == 0
    forget(puffin)
    find = shop.find

    def meddling(path, accept):
        if not (env.site / "foreign-1.0.dist-info").exists():
            another_package(puffin, env)
        return find(path, accept)

    monkeypatch.setattr(shop, "find", meddling)
    puffin.file("r.txt", PINS)
    assert puffin(*words).code == 0
    assert not kept_fields(puffin)
    assert "`foreign`" in puffin(*words).err


def test_the_answer_is_kept_after_a_change_of_one_of_many(puffin, env, shop, tmp_path):
    world = many(puffin, shop, tmp_path)
    kept(puffin, *world.words)
    forget(puffin)
    (gone,) = (puffin.cwd / "services/b/.venv").rglob("alpha-1.0.dist-info")
    shutil.rmtree(gone)
    assert run(puffin, world).err.startswith("Synced 1 environment")
    early = kept_fields(puffin)
    assert run(puffin, world).err == lines("Checked 4 environments (8 packages) in [TIME]")
    forget(puffin)
    run(puffin, world)
    assert early == kept_fields(puffin)


@pytest.mark.parametrize(
    "python", ["", f"python = '{sys.executable}'", f"python = '{sys.version_info[0]}.{sys.version_info[1]}'"]
)
def test_the_answer_is_kept_when_environments_are_made(puffin, env, shop, tmp_path, python):
    world = many(puffin, shop, tmp_path)
    path = puffin.cwd / "puffin.toml"
    path.write_text(f"{path.read_text()}{python}\n")
    early = []
    for _ in range(2):  # the first finds out about the interpreter
        forget(puffin)
        for name in "abcd":
            shutil.rmtree(puffin.cwd / "services" / name / ".venv", ignore_errors=True)
        assert run(puffin, world).err.startswith("Synced 4 environments")
        early = kept_fields(puffin)
    assert run(puffin, world).err == lines("Checked 4 environments (8 packages) in [TIME]")
    forget(puffin)
    run(puffin, world)
    assert early == kept_fields(puffin)


def test_it_imports_nothing(puffin, env, shop, tmp_path):
    world = plain(puffin, shop, tmp_path)
    kept(puffin, *world.words)
    code = (
        f"import sys; sys.path.insert(0, {puffin.environ()['PYTHONPATH']!r}); before = set(sys.modules); "
        f"from puffin.cli import entry; entry.main({list(world.words)!r}); print(sorted(set(sys.modules) - before))"
    )

    def modules():
        command = [sys.executable, "-I", "-S", "-c", code]
        done = subprocess.run(
            command, cwd=puffin.cwd, env=puffin.environ(), capture_output=True, text=True, check=True
        )
        return done.stdout

    loaded = modules()
    assert "puffin.pipeline" not in loaded
    assert "puffin.cli.options.table" not in loaded
    assert "'re'" not in loaded


@pytest.mark.parametrize(
    "words",
    [
        ("--reinstall",), ("--refresh",), ("-v",), ("--dry-run",), ("--no-cache",), ("--reinstall-package", "alpha"),
        ("--refresh-package", "alpha"), ("--trace", "t.json"),
    ],
)  # fmt: skip
def test_what_asks_for_more_is_never_repeated(puffin, env, shop, words):
    puffin.file("r.txt", PINS)
    for _ in range(2):
        assert puffin("pip", "sync", "r.txt", "-i", shop.url, *words).code == 0
    assert not list((puffin.cache / "answers-v0").glob("*"))


def test_standard_input_is_never_repeated(puffin, env, shop):
    for _ in range(2):
        assert puffin("pip", "sync", "-", "-i", shop.url, stdin="alpha==1.0\n").code == 0
    assert not list((puffin.cache / "answers-v0").glob("*"))


def edited(place):
    def edit(puffin, env):
        path = puffin.cwd / place
        path.write_text(path.read_text() + "\n# more\n")

    return edit


def added(place, text=""):
    def edit(puffin, env):
        puffin.file(place, text)

    return edit


def removed_by_hand(puffin, env):
    shutil.rmtree(env.info("alpha"))


def changed_module(puffin, env):
    os.unlink(env.site / "alpha" / "__init__.py") if (env.site / "alpha").is_dir() else shutil.rmtree(
        env.info("beta")
    )


def another_package(puffin, env):
    (env.site / "foreign-1.0.dist-info").mkdir()
    (env.site / "foreign-1.0.dist-info" / "METADATA").write_text("Name: foreign\nVersion: 1.0\n")


def a_transaction(puffin, env):
    (env.root / ".puffin" / "journal").write_text("x")


def made_anew(puffin, env):
    shutil.rmtree(env.root)
    puffin.venv()


def same_size(puffin, env):
    """Change a file so that neither its size nor its times tell."""
    path = puffin.cwd / "more" / "other.txt"
    facts = os.stat(path)
    with open(path, "r+") as file:
        file.write("beta==2.0\n")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize(
    "edit",
    [
        edited("r.txt"), edited("more/other.txt"), edited("limits.txt"), added("puffin.toml"), added("pyproject.toml"),
        added("../home/.config/puffin/puffin.toml"), removed_by_hand, changed_module, another_package, a_transaction,
        made_anew, same_size, edited(".venv/pyvenv.cfg"), added("../puffin.toml"),
    ],
    ids=lambda edit: getattr(edit, "__name__", ""),
)  # fmt: skip
def test_whatever_changes_is_seen(puffin, env, shop, tmp_path, edit):
    world = included(puffin, shop, tmp_path)
    answer = kept(puffin, *world.words, env=world.env)
    assert answer.holds(**world.env)
    edit(puffin, env)
    assert not answer.holds(**world.env)


def test_inputs_may_be_written_again(puffin, env, shop, tmp_path):
    world = included(puffin, shop, tmp_path)
    answer = kept(puffin, *world.words, env=world.env)
    for place in ("r.txt", "more/other.txt", "limits.txt"):
        path = puffin.cwd / place
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
        os.utime(path, (1, 1))
    assert answer.holds(**world.env)
    (puffin.cwd / "limits.txt").write_text("# more\n")
    assert not answer.holds(**world.env)


def test_variables_are_part_of_it(puffin, env, shop, tmp_path):
    world = included(puffin, shop, tmp_path)
    answer = kept(puffin, *world.words, env=world.env)
    assert not answer.holds(VERSION="2.0")
    done = run(puffin, world, VERSION="2.0")
    assert "alpha" in done.err
    assert done.code == 1
    done = run(puffin, world, PIP_REQUIRE_HASHES="1")
    assert (done.code, "Hashes are required" in done.err) == (1, True)
    assert run(puffin, world).err == checked(2)


def test_the_answer_of_another_puffin_is_passed_over(puffin, env, shop, tmp_path):
    world = plain(puffin, shop, tmp_path)
    answer = kept(puffin, *world.words)
    path = Path(answer.path)
    fields = frame.load(path.read_bytes())
    for data in (frame.dump((("another",), *fields[1:])), b"damaged", frame.dump(("too", "short"))):
        path.write_bytes(data)
        assert run(puffin, world).err == checked(2)
        assert answer.holds()  # the new one


def test_an_index_is_asked_again_when_its_pages_are_old(puffin, env, shop, tmp_path, monkeypatch):
    import puffin.cli.noop.check as check

    world = compiled(puffin, shop, tmp_path)
    answer = kept(puffin, *world.words)
    assert answer.holds()
    for moment in (answer.since - 1, answer.until):
        monkeypatch.setattr(check, "time", lambda moment=moment: moment)
        assert not answer.holds()
    assert answer.until - answer.since <= 600


def test_a_page_that_was_replaced_counts(puffin, env, shop, tmp_path):
    world = compiled(puffin, shop, tmp_path)
    answer = kept(puffin, *world.words)
    (page,) = (puffin.cache / "simple-v0").glob("*/alpha")
    os.utime(page, (1, 1))
    assert not answer.holds()


def test_the_output_is_part_of_it(puffin, env, shop, tmp_path):
    world = compiled(puffin, shop, tmp_path)
    answer = kept(puffin, *world.words)
    output = puffin.cwd / "r.txt"
    text = output.read_text()
    for change in (lambda: output.write_text(text + "# x\n"), output.unlink):
        change()
        assert not answer.holds()
        assert run(puffin, world).code == 0
        assert output.read_text() == text


def test_a_link_directory_is_part_of_it(puffin, env, shop, tmp_path):
    world = compiled_of_links(puffin, shop, tmp_path)
    answer = kept(puffin, *world.words)
    name, data = forge_wheel("alpha", "2.0")
    puffin.file(f"links/{name}", data)
    assert not answer.holds()
    assert "alpha==2.0" in run(puffin, world).out


def test_the_metadata_of_what_is_installed_is_part_of_it(puffin, env, shop, tmp_path):
    world = installed(puffin, shop, tmp_path)
    answer = kept(puffin, *world.words)
    path = env.info("alpha") / "METADATA"
    os.chmod(path, 0o644)
    path.write_text(
        path.read_text().replace("\n\n", "\nRequires-Dist: gamma\n\n", 1) + "Requires-Dist: gamma\n"
    )
    assert not answer.holds()


def test_metadata_that_is_edited_and_keeps_an_old_time_is_noticed(puffin, env, shop, tmp_path):
    world = installed_of_file(puffin, shop, tmp_path)
    answer = kept(puffin, *world.words)
    metadata = env.info("alpha") / "METADATA"  # of which the state tells only that it is not newer
    written = metadata.stat().st_mtime_ns - 10**9
    metadata.write_text(metadata.read_text() + "Requires-Dist: beta\n")
    os.utime(metadata, ns=(written, written))
    assert not answer.holds()


def test_many_environments_are_looked_at(puffin, env, shop, tmp_path):
    world = many(puffin, shop, tmp_path)
    answer = kept(puffin, *world.words)
    assert len(answer.environments) == 4
    assert run(puffin, world).err == lines("Checked 4 environments (8 packages) in [TIME]")
    puffin.file("services/e/requirements.txt", "alpha==1.0\n")
    assert not answer.holds()
    assert run(puffin, world).err.startswith("Synced 1 environment")
    for name in "abcde":
        answer = kept(puffin, *world.words)
        shutil.rmtree(
            next((puffin.cwd / "services" / name / ".venv").glob("lib/python*/site-packages/alpha-*"))
        )
        assert not answer.holds()
        assert run(puffin, world).err.startswith("Synced 1 environment")
        forget(puffin)


EDITS = {
    "pins": lambda p, e: p.file("r.txt", "alpha==1.0\n"),
    "other pins": lambda p, e: p.file("r.txt", "alpha==2.0\n"),
    "touch": lambda p, e: os.utime(p.cwd / "r.txt"),
    "wrong": lambda p, e: p.file("r.txt", "alpha=1.0\n"),
    "none": lambda p, e: (p.cwd / "r.txt").unlink(missing_ok=True),
    "limit": lambda p, e: p.file("limits.txt", "alpha<2\n"),
    "other limit": lambda p, e: p.file("limits.txt", "alpha>1\n"),
    "hashes": lambda p, e: p.file("puffin.toml", "require-hashes = true\n"),
    "nothing": lambda p, e: p.file("puffin.toml", ""),
    "strange": lambda p, e: p.file("pyproject.toml", "[tool.puffin]\nstrange = 1\n"),
    "harmless": lambda p, e: p.file("pyproject.toml", "[project]\nname = 'x'\n"),
    "damage": lambda p, e: [shutil.rmtree(each) for each in e.site.glob("alpha-*.dist-info")],
}


@pytest.mark.parametrize("seed", range(6))
def test_the_quick_way_says_what_the_full_one_says(puffin, env, shop, seed):
    """Edit after edit, the answer is that of a cache without answers."""
    import random

    chance = random.Random(seed)
    puffin.file("r.txt", "alpha==1.0\n")
    puffin.file("limits.txt", "alpha<2\n")
    words = ("pip", "sync", "r.txt", "-c", "limits.txt", "-i", shop.url)
    puffin(*words)
    for name in chance.choices([*EDITS, "touch", "pins", "limit", "nothing", "harmless"], k=6):
        EDITS[name](puffin, env)
        if chance.random() < 0.3:
            (puffin.cwd / chance.choice(["puffin.toml", "pyproject.toml"])).unlink(missing_ok=True)
        puffin(*words)  # what is to be done is done, and perhaps an answer kept
        puffin(*words)
        quick = puffin(*words)
        away = puffin.cache / "answers-v0"
        if away.exists():
            away.rename(puffin.root / "away")
        full = puffin(*words)
        forget(puffin)
        if (puffin.root / "away").exists():
            (puffin.root / "away").rename(away)
        assert (quick.code, quick.out, quick.err) == (full.code, full.out, full.err), name
