"""Several indexes: which one a package is taken from, and how credentials reach them."""

import json

import pytest

from tests.helpers.cli import lines, told
from tests.helpers.index_server import IndexServer
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def private(puffin):
    """A second index, asked before the first."""
    with IndexServer() as server:
        puffin.names[server.root] = "[PRIVATE]"
        yield server


@pytest.fixture
def both(index, private):
    """Two indexes as options: the private one has `alpha` 1.0 and 2.0, the public one 2.0 and 3.0."""
    for version in ("1.0", "2.0"):
        private.add(*forge_wheel("alpha", version, {"where.py": b"private"}))
    for version in ("2.0", "3.0"):
        index.add(*forge_wheel("alpha", version, {"where.py": b"public"}))
    return ("--index", private.url, "--default-index", index.url)


SEVERAL = "`alpha` is on several indexes: `[PRIVATE]/simple`, `[INDEX]/simple`; only the first of them is used"


def test_sync_takes_the_first_index_that_has_the_name(puffin, env, both):
    done = puffin.sync("alpha==2.0\n", *both)
    assert done.err == told("+ alpha==2.0", pins=1, prepared=1, installed=1, warnings=()).replace(
        "Resolved", f"warning: {SEVERAL}\nResolved"
    )
    assert (env.site / "where.py").read_text() == "private"
    done = puffin.sync("alpha==3.0\n", *both)
    assert done.code == 1
    assert (
        "hint: `[INDEX]/simple` has it, but `[PRIVATE]/simple` comes first: put the other before it, or use "
        "`--index-strategy unsafe-first-match`, which lets anybody on either index replace the package"
        in done.err
    )


@pytest.mark.parametrize("strategy", ["unsafe-first-match", "unsafe-best-match"])
def test_sync_takes_the_first_index_that_has_the_pin(puffin, env, both, strategy):
    done = puffin.sync("alpha==3.0\n", *both, "--index-strategy", strategy)
    assert done.err == told("+ alpha==3.0", pins=1, prepared=1, installed=1)
    done = puffin.sync("alpha==2.0\n", *both, env={"PUFFIN_INDEX_STRATEGY": strategy})
    assert done.code == 0
    assert (env.site / "where.py").read_text() == "private"
    done = puffin.sync("alpha==4.0\n", *both, "--index-strategy", strategy)
    assert (done.code, "`[PRIVATE]/simple`" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("strategy", "asked", "chosen"),
    [
        ("first-index", "alpha", "2.0"),
        ("unsafe-first-match", "alpha", "2.0"),
        ("unsafe-first-match", "alpha>2", "3.0"),
        ("unsafe-best-match", "alpha", "3.0"),
    ],
)
def test_compile_and_install_follow_the_strategy(puffin, env, both, strategy, asked, chosen):
    puffin.file("a.in", f"{asked}\n")
    words = (*both, "--index-strategy", strategy)
    done = puffin("pip", "compile", "a.in", "--no-header", "--no-annotate", *words)
    assert done.out == f"alpha=={chosen}\n"
    assert (f"warning: {SEVERAL}" in done.err) is (strategy == "first-index")
    done = puffin("pip", "install", asked, *words)
    assert (f"warning: {SEVERAL}" in done.err) is (strategy == "first-index")
    assert env.installed() == {"alpha": chosen}


def test_lowest_goes_through_the_indexes_in_turn(puffin, both):
    puffin.file("a.in", "alpha>1\n")
    words = ("pip", "compile", "a.in", "--no-header", "--no-annotate", "--resolution", "lowest", *both)
    assert puffin(*words, "--index-strategy", "unsafe-first-match", "--emit-index-annotation").out == (
        "alpha==2.0\n    # from [PRIVATE]/simple\n"
    )


def test_the_hint_when_only_a_later_index_has_a_version(puffin, both):
    puffin.file("a.in", "alpha>2\n")
    done = puffin("pip", "compile", "a.in", *both)
    assert done.code == 1
    assert (
        "hint: `alpha` 3.0 is on [INDEX]/simple, after an index that has it too: "
        "`--index-strategy unsafe-best-match` takes all indexes into account" in done.err
    )


def test_a_strategy_that_is_none(puffin, env):
    done = puffin.sync("six==1\n", env={"PUFFIN_INDEX_STRATEGY": "any"})
    assert (done.code, done.err) == (
        2,
        lines(
            "error: `any` is not a valid value for `PUFFIN_INDEX_STRATEGY`",
            "",
            "hint: use one of `first-index`, `unsafe-first-match`, `unsafe-best-match`",
        ),
    )


def test_packages_bound_to_an_index_come_from_there_alone(puffin, env, index, private):
    index.add(*forge_wheel("acme_core", "9.0"))
    index.add(*forge_wheel("six", "1.0"))
    private.add(*forge_wheel("acme_core", "1.0"))
    private.add(*forge_wheel("six", "6.0"))
    text = (
        f'index-url = "{index.url}"\n[[index]]\nname = "corp"\nurl = "{private.url}"\npackages = ["Acme_*"]\n'
    )
    puffin.file("puffin.toml", f"{text}explicit = true\n")
    puffin.file("a.in", "acme-core\nsix\n")
    words = ("pip", "compile", "a.in", "--no-header", "--no-annotate")
    assert puffin(*words).out == "acme-core==1.0\nsix==1.0\n"
    assert not [path for path in index.paths() if "acme" in path], "the other index never hears of the name"
    assert not [path for path in private.paths() if "six" in path]
    assert puffin.sync("acme-core==1.0\nsix==1.0\n").code == 0
    assert not [path for path in index.paths() if "acme" in path]
    puffin.file("puffin.toml", text)
    assert puffin(*words).out == "acme-core==1.0\nsix==6.0\n"


def test_credentials_of_a_named_index(puffin, env, index):
    index.auth = ("me", "p@ss/word")
    index.add(*forge_wheel("alpha", "1.0"))
    puffin.file("puffin.toml", f'[[index]]\nname = "corp-main"\nurl = "{index.url}"\ndefault = true\n')
    secrets = {"PUFFIN_INDEX_CORP_MAIN_USERNAME": "me", "PUFFIN_INDEX_CORP_MAIN_PASSWORD": "p@ss/word"}
    done = puffin.sync("alpha==1.0\n", env=secrets)
    assert done.err == told("+ alpha==1.0", pins=1, prepared=1, installed=1)
    puffin.file("a.in", "alpha\n")
    done = puffin("pip", "compile", "a.in", "--no-header", "--emit-index-url", env=secrets)
    assert done.out == "--index-url [INDEX]/simple\n\nalpha==1.0\n    # via -r a.in\n"
    done = puffin("pip", "install", "--dry-run", "alpha", "--refresh", env={**secrets, "PUFFIN_RETRIES": "0"})
    assert done.code == 0
    done = puffin.sync(
        None, "--refresh", "--reinstall", env={**secrets, "PUFFIN_INDEX_CORP_MAIN_PASSWORD": "wrong-pw"}
    )
    assert done.code == 1
    assert "wrong-pw" not in done.raw_err


def test_default_index_goes_before_index_url(puffin, env, index):
    index.add(*forge_wheel("alpha", "1.0"))
    done = puffin.sync("alpha==1.0\n", "-i", "http://127.0.0.1:9/", env={"PUFFIN_DEFAULT_INDEX": index.url})
    assert done.code == 0
    done = puffin.sync(
        "alpha==1.0\n", "--reinstall", env={"PUFFIN_INDEX": f"a={index.url}", "PUFFIN_INDEX_URL": index.url}
    )
    assert done.code == 0


NAMES = [f"p{number:02}" for number in range(90)]
ON_SEVERAL = "`[PRIVATE]/simple`, `[INDEX]/simple`; only the first of them is used\n"


@pytest.fixture
def old_and_new(index, private):
    """Two indexes as options: the private one, which comes first, has 1.0 of ninety packages, the public one 2.0."""
    for name in NAMES:
        private.add(*forge_wheel(name, "1.0"))
        index.add(*forge_wheel(name, "2.0"))
    return ("--index", private.url, "--default-index", index.url)


def test_many_packages_on_the_same_indexes_are_one_warning(puffin, env, old_and_new):
    for service in ("a", "b"):
        puffin.file(f"{service}/requirements.txt", "".join(f"{name}==1.0\n" for name in NAMES))
    done = puffin("sync", "*/requirements.txt", *old_and_new)
    warning = f"warning: `p00`, `p01`, `p02` and 87 more are on several indexes: {ON_SEVERAL}"
    assert (done.code, done.err.count("warning")) == (0, 1), done.err
    assert done.err.startswith(warning)
    done = puffin("pip", "install", *NAMES, *old_and_new)
    assert (done.code, done.err.count("warning"), warning in done.err) == (0, 1, True), done.err


def test_two_processes_that_ask_for_one_sync_have_one_warning(puffin, env, old_and_new):
    done = puffin.sync("".join(f"{name}==1.0\n" for name in NAMES), *old_and_new)
    warning = f"warning: `p00`, `p01`, `p02` and 87 more are on several indexes: {ON_SEVERAL}"
    assert (done.code, done.err.count("warning"), warning in done.err) == (0, 1, True), done.err


def test_many_versions_that_an_index_lacks_are_no_wall_of_text(puffin, env, old_and_new):
    pins = "".join(f"{name}=={'2.0' if name < 'p60' else '1.0'}\n" for name in NAMES)
    for service in ("a", "b"):
        puffin.file(f"{service}/requirements.txt", pins)
    done = puffin("sync", "*/requirements.txt", *old_and_new, "--report", "report.json")
    assert done.code == 1
    before, _, text = done.err.partition("error: ")
    first, *table = before.splitlines(keepends=True)
    assert first == f"warning: `p60`, `p61`, `p62` and 27 more are on several indexes: {ON_SEVERAL}"
    assert len(table) == 4
    assert text == (
        "Failed to sync all 2 environments; they were left as they were\n"
        "  ├─▶ In `a` and `b`\n"
        + "".join(
            f"  │   {'╰' if number == 9 else '├'}─▶ Failed to find `p{number:02}==2.0`: "
            "`[PRIVATE]/simple` does not have this version\n"
            f"  │   {' ' if number == 9 else '│'}   It has 1 version: 1.0\n"
            for number in range(10)
        )
        + "  ╰─▶ and 50 more (`-v` shows all)\n\n"
        "hint: `[INDEX]/simple` has it, but `[PRIVATE]/simple` comes first: put the other before it, or use "
        "`--index-strategy unsafe-first-match`, which lets anybody on either index replace the package\n"
        "hint: pin another version, such as `p00==1.0`\n"
        "      and 59 more like these (`-v` shows all)\n"
    )
    report = json.loads((puffin.cwd / "report.json").read_text())["envs"][0]["error"]
    assert report["message"].count("Failed to find") == 60
    assert report["hint"].count("pin another version") == 60
    done = puffin("sync", "*/requirements.txt", *old_and_new, "-v")
    assert (done.err.count("Failed to find"), done.err.count("hint: pin another version")) == (60, 60)
    done = puffin.sync(pins, *old_and_new)
    assert (done.code, done.err.count("Failed to find `"), len(done.err.splitlines())) == (1, 10, 26)
