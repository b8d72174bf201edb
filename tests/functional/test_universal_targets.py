"""One lock for declared targets: what each target selects from it is what a compile for that target alone gives."""

import random
import tomllib
from itertools import product

import pytest
from packaging.markers import Marker
from packaging.pylock import Pylock
from packaging.requirements import Requirement
from packaging.tags import Tag

from puffin.stages.link.interpreter.interpreter import supported_tags
from puffin.stages.resolve.locate.platforms import platform_named
from tests.helpers.wheels import forge_wheel

PLATFORMS = ("linux-x86_64", "linux-aarch64", "macos-arm64", "windows-x86_64")
PYTHONS = ("3.11", "3.12", "3.13")
TARGETS = [f"{platform}-cp{python.replace('.', '')}" for platform, python in product(PLATFORMS, PYTHONS)]
_TAGS = ("manylinux_2_17_x86_64", "manylinux_2_17_aarch64", "macosx_11_0_arm64", "win_amd64")
_MARKERS = (
    "sys_platform == 'linux'", "sys_platform == 'win32'", "sys_platform != 'win32'", "platform_system == 'Darwin'",
    "python_version < '3.12'", "python_version >= '3.12'", "python_version >= '3.13' and os_name == 'posix'",
    "platform_machine == 'x86_64' or platform_machine == 'AMD64'", "implementation_name == 'pypy'",
    "platform_machine in 'aarch64 arm64'", "python_full_version < '3.11.4'",
)  # fmt: skip


@pytest.fixture
def market(index):
    """Packages that depend on later ones: with markers, extras, bounds, and wheels for some targets only."""
    chance = random.Random(19)
    for number in range(24):
        name = f"p{number}"
        for version in ("1.0", "2.0", "3.0", "4.0"):
            _offer(index, chance, name, version, [f"p{other}" for other in range(number + 1, 24)])
    return index


def _offer(index, chance, name, version, later):
    requires = [
        _need(chance, other) for other in chance.sample(later, min(len(later), chance.choice((0, 1, 2, 3))))
    ]
    more = f"{chance.choice(later)} ; extra == 'more'" if later else "p23 ; extra == 'more'"
    about = {"requires": [*requires, more], "metadata_extra": "Provides-Extra: more\n"}
    always = version in ("1.0", "2.0")
    python = ">=3.8" if always else f">={chance.choice(('3.8', '3.8', '3.12', '3.13'))}"
    tags = ["py3-none-any"]
    if not always and chance.random() < 0.25:  # binary wheels, not for all targets
        places = chance.sample(_TAGS, chance.choice((2, 3, 4)))
        tags = [f"cp{each}-cp{each}-{place}" for each in ("311", "312", "313") for place in places]
    for tag in tags:
        own = forge_wheel(name, version, tag=tag, requires_python=python, **about)
        index.add(*own, requires_python=python)


def _need(chance, name):
    bound = chance.choice(("", "", ">=2", "<4", ">=1,<3"))
    extra = "[more]" if chance.random() < 0.2 else ""
    marker = f" ; {chance.choice(_MARKERS)}" if chance.random() < 0.5 else ""
    return f"{name}{extra}{bound}{marker}"


def _services():
    chance = random.Random(6)
    for _ in range(6):
        wanted = [_need(chance, f"p{number}") for number in sorted(chance.sample(range(10), 4))]
        older, newer = "p20<3 ; python_version < '3.13'", "p20>=3 ; python_version >= '3.13'"
        yield "".join(f"{each}\n" for each in (*wanted, older, newer))


def _environment(platform, python):
    return {
        **dict(platform_named(platform).markers),
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "implementation_version": f"{python}.0",
        "python_full_version": f"{python}.0",
        "python_version": python,
    }


def _tags(platform, python):
    own = f"cp{python.replace('.', '')}"
    found = supported_tags("cp", (3, int(python[2:])), (own,), platform_named(platform).tags)
    return [Tag(*each.split("-", 2)) for each in found]


def _pins(text):
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {each.name: str(each.specifier)[2:] for each in map(Requirement, lines)}


def test_each_target_selects_what_a_compile_for_it_gives(puffin, market):
    quiet = ("--no-header", "--no-annotate", "-i", market.url, "-q")
    targets = [word for target in TARGETS for word in ("--targets", target)]
    compared = 0
    for service in _services():
        puffin.file("requirements.in", service)
        done = puffin("pip", "compile", "requirements.in", *targets, *quiet, "-U", "-o", "pylock.toml")
        assert done.code == 0, done.err
        lock = Pylock.from_dict(tomllib.loads((puffin.cwd / "pylock.toml").read_text()))
        done = puffin("pip", "compile", "requirements.in", *targets, *quiet)
        lines = [Requirement(line) for line in done.out.splitlines()]
        for platform, python in product(PLATFORMS, PYTHONS):
            where = ("--python-platform", platform, "--python-version", python)
            alone = _pins(puffin("pip", "compile", "requirements.in", *where, *quiet).out)
            environment = _environment(platform, python)
            chosen = lock.select(environment=environment, tags=_tags(platform, python))
            assert {package.name: str(package.version) for package, _ in chosen} == alone, (platform, python)
            held = [
                each
                for each in lines
                if each.marker is None or each.marker.evaluate({**environment, "extra": ""})
            ]
            assert {each.name: str(each.specifier)[2:] for each in held} == alone
            compared += 1
        assert len({each.name for each in lines}) >= 6
        assert any(Marker(str(each.marker)) for each in lines if each.marker)
    assert compared == 72


def test_targets_of_the_configuration_are_those_of_a_lock(puffin, market):
    puffin.file("puffin.toml", f"targets = {TARGETS[:2]!r}\n")
    puffin.file("pyproject.toml", "[project]\nname = 'a'\nversion = '1'\ndependencies = ['p3']\n")
    assert puffin("lock", "-i", market.url).code == 0
    lock = tomllib.loads((puffin.cwd / "pylock.toml").read_text())
    assert [each.count("python_version == '3.1") for each in lock["environments"]] == [1, 1]
    assert lock["requires-python"] == ">=3.11"
    assert puffin("lock", "-i", market.url, "--check").code == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--targets", "plan9-cp312"), "`plan9-cp312` is not a target"),
        (("--targets", "linux"), "`linux` is not a target"),
        (("--targets", "linux-cp2"), "`linux-cp2` is not a target"),
        (("--targets", ""), "`--targets` is empty"),
        (
            ("--targets", "linux-cp312", "--python-platform", "linux"),
            "`--targets` cannot be used with `--python-platform`",
        ),
        (
            ("--universal", "--python-platform", "linux"),
            "`--universal` cannot be used with `--python-platform`",
        ),
        (
            ("--targets", "linux-cp312", "--targets", "x86_64-unknown-linux-musl-cp312"),
            "The targets `linux-cp312` and `x86_64-unknown-linux-musl-cp312` cannot be told apart",
        ),
    ],
)
def test_targets_that_cannot_be(puffin, words, problem):
    puffin.file("requirements.in", "a\n")
    done = puffin("pip", "compile", "requirements.in", "--no-index", *words)
    assert done.code == 2
    assert problem in done.err


def test_a_project_for_other_pythons_than_the_targets(puffin):
    puffin.file("pyproject.toml", "[project]\nname = 'a'\nversion = '1'\nrequires-python = '>=3.14'\n")
    done = puffin("pip", "compile", "pyproject.toml", "--no-index", "--targets", "linux-cp312")
    assert done.code == 2
    assert "`pyproject.toml` requires Python >=3.14, which none of the targets has" in done.err


def test_one_platform_is_resolved_for_in_spite_of_the_configuration(puffin, market):
    puffin.file("puffin.toml", f"targets = {TARGETS[:2]!r}\nuniversal = true\n")
    puffin.file("requirements.in", "p0 ; sys_platform == 'win32'\n")
    words = ("pip", "compile", "requirements.in", "--no-header", "-q", "-i", market.url)
    assert " ; " not in puffin(*words, "--python-platform", "windows").out
    assert puffin(*words, "--no-universal").out == ""
    done = puffin("lock", "--consistent", "-i", market.url, "requirements.in")
    assert done.code == 2
    assert "`--consistent` cannot be used with a resolution for several environments" in done.err
