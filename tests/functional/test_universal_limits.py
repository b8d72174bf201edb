"""``environments`` and ``required-environments`` of ``[tool.uv]``, and versions without a wheel for some platforms."""

import tomllib

import pytest

from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel

LINUX, MAC, WINDOWS = (f"sys_platform == '{each}'" for each in ("linux", "darwin", "win32"))
TAGS = {
    LINUX: "cp312-cp312-manylinux_2_17_x86_64",
    MAC: "cp312-cp312-macosx_11_0_arm64",
    WINDOWS: "cp312-cp312-win_amd64",
}


@pytest.fixture
def shop(index):
    """``native`` 1.0 is for all platforms, 2.0 for all but macOS; ``local`` has builds for Linux and Windows."""
    index.add(*forge_wheel("app", "1.0", requires=[f"win ; {WINDOWS}", f"mac ; {MAC}"]))
    for name in ("win", "mac", "base"):
        index.add(*forge_wheel(name, "1.0"))
    index.add(*forge_wheel("native", "1.0"))
    for place in (LINUX, WINDOWS):
        index.add(*forge_wheel("native", "2.0", tag=TAGS[place], requires=["base"]))
        index.add(*forge_wheel("local", "3.0+cpu", tag=TAGS[place], requires=["base"]))
    index.add(*forge_wheel("local", "3.0", tag=TAGS[MAC]))
    index.add(*forge_wheel("only", "1.0", tag=TAGS[WINDOWS]))
    return index


@pytest.fixture
def compile_(puffin, shop):
    def run(uv, *words, dependencies=("app",), file="pyproject.toml"):
        listed = ", ".join(f'"{each}"' for each in dependencies)
        text = f'[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = [{listed}]\n'
        puffin.file("pyproject.toml", f"{text}[tool.uv]\n{uv}\n")
        quiet = ("--no-header", "--no-annotate", "-i", shop.url)
        return puffin("pip", "compile", file, *quiet, *words)

    return run


def test_a_resolution_is_limited_to_the_environments(compile_, puffin):
    both = f'environments = [\n"{LINUX}",\n"{MAC}",\n]'
    done = compile_(both, "--universal")
    assert (done.out.splitlines(), "no effect" in done.err) == (["app==1.0", "mac==1.0 ; " + MAC], False)
    assert compile_(f'environments = "{LINUX}"', "--universal").out.splitlines() == ["app==1.0"]
    assert compile_("environments = []", "--universal").out.splitlines() == [
        "app==1.0",
        f"mac==1.0 ; {MAC}",
        f"win==1.0 ; {WINDOWS}",
    ]
    puffin.file("requirements.in", "app\n")  # the settings are those of the project at hand
    assert compile_(both, "--universal", file="requirements.in").out == "app==1.0\nmac==1.0 ; " + MAC + "\n"
    assert compile_(both, "--python-platform", "windows").out == "app==1.0\nwin==1.0\n"


def test_a_lock_names_the_environments_and_fits_no_other(compile_, puffin, shop, env):
    other = f'environments = ["{WINDOWS}", "{MAC} and python_version >= \'3.12\'"]'
    assert compile_(other, "--universal", "-o", "pylock.toml").code == 0
    lock = tomllib.loads((puffin.cwd / "pylock.toml").read_text())
    assert lock["environments"] == [WINDOWS, f"python_version >= '3.12' and {MAC}"]
    assert [each["name"] for each in lock["packages"]] == ["app", "mac", "win"]
    done = puffin("pip", "sync", "pylock.toml", "-i", shop.url)
    assert (done.code, env.installed()) == (2, {})
    assert "Failed to use the lock file `pylock.toml:2`: it is for other environments than this one" in done.err


def test_each_environment_is_resolved_by_itself(compile_, shop):
    """Packages that are never needed together may exclude each other."""
    for version in ("1.0", "2.0"):
        shop.add(*forge_wheel("c", version))
    shop.add(*forge_wheel("one", "1.0", requires=["c<2"]))
    shop.add(*forge_wheel("two", "1.0", requires=["c>=2"]))
    wanted = (f"one ; {LINUX}", f"two ; {MAC}")
    done = compile_(f'environments = ["{LINUX}", "{MAC}"]', "--universal", dependencies=wanted)
    assert done.out.splitlines() == [
        f"c==1.0 ; {LINUX}",
        f"c==2.0 ; {MAC}",
        f"one==1.0 ; {LINUX}",
        f"two==1.0 ; {MAC}",
    ], done.err


def test_those_of_the_root_of_a_workspace_count(puffin, shop):
    root = f'[tool.uv]\nenvironments = ["{LINUX}"]\n[tool.uv.workspace]\nmembers = ["m"]\n'
    puffin.file("pyproject.toml", root)
    project = '[project]\nname = "m"\nversion = "1"\ndependencies = ["app"]\n'
    puffin.file("m/pyproject.toml", f'{project}[tool.uv]\nenvironments = ["{MAC}"]\n')
    done = puffin(
        "pip", "compile", "m/pyproject.toml", "--universal", "--no-header", "--no-annotate", "-i", shop.url
    )
    assert done.out == "app==1.0\n"
    assert "`environments` in `[tool.uv]` has no effect in puffin (m/pyproject.toml:6)" in done.err


def test_several_roots_state_the_same_environments(puffin, shop):
    project = '[project]\nname = "{}"\nversion = "1"\ndependencies = ["app"]\n{}'
    tail = f'[tool.uv]\nenvironments = ["{LINUX}"]\n'
    words = (
        "a/pyproject.toml",
        "b/pyproject.toml",
        "--universal",
        "--no-header",
        "--no-annotate",
        "-i",
        shop.url,
    )
    puffin.file("a/pyproject.toml", project.format("a", tail))
    for other in ("", tail.replace("linux", "win32")):
        puffin.file("b/pyproject.toml", project.format("b", other))
        done = puffin("pip", "compile", *words)
        at = "b/pyproject.toml:6" if other else "b/pyproject.toml"
        problem = f"`{at}`: its `environments` are not those of `a/pyproject.toml:6`"
        assert (done.code, problem in done.err) == (2, True), done.err
    puffin.file("b/pyproject.toml", project.format("b", f"\n{tail}"))
    assert puffin("pip", "compile", *words).out == "app==1.0\n"


def test_a_value_of_a_marker_may_be_called_as_a_variable(compile_):
    own = f"{LINUX} and platform_version != 'extra'"
    assert compile_(f'environments = ["{own}"]', "--universal").out == "app==1.0\n"


@pytest.mark.parametrize(
    ("uv", "problem"),
    [
        ("environments = 3", "`environments` is neither a marker nor a list of markers"),
        ('environments = ["linux"]', "`linux` is not a marker"),
        ("required-environments = [1]", "`required-environments` is neither a marker nor a list of markers"),
        ('required-environments = "linux"', "`linux` is not a marker"),
        (
            "environments = [\"extra == 'x'\"]",
            "`extra == 'x'` in `environments` is about extras or groups, not about environments",
        ),
        (
            "environments = [\"os_name != 'extra' and 'x' in dependency_groups\"]",
            "`os_name != 'extra' and 'x' in dependency_groups` in `environments` is about extras or groups, "
            "not about environments",
        ),
        (
            f'environments = ["{LINUX}", "os_name == \'posix\'"]',
            'the environments `sys_platform == "linux"` and `os_name == "posix"` (`pyproject.toml:7`) overlap',
        ),
        (
            "environments = \"python_version < '3.11'\"",
            '`python_version < "3.11"` in `environments` admits no Python of `>=3.11`',
        ),
    ],
)
def test_what_is_not_understood_is_an_error_with_its_line(compile_, puffin, uv, problem):
    puffin.file("pylock.toml", "# former\n")
    done = compile_(uv, "--universal", "-o", "pylock.toml")
    assert done.code == 2
    assert f"Failed to read `pyproject.toml:7`: {problem}" in done.err
    assert (puffin.cwd / "pylock.toml").read_text() == "# former\n"


def test_a_required_environment_gets_an_older_version_with_a_wheel(compile_):
    wanted = {"dependencies": ("native",)}
    done = compile_("", "--universal", **wanted)
    assert done.out.splitlines() == ["base==1.0", "native==2.0"]
    done = compile_(f'required-environments = ["{MAC}"]', "--universal", **wanted)
    assert (done.out.splitlines(), "no effect" in done.err) == (
        [
            "base==1.0 ; sys_platform != 'darwin'",
            f"native==1.0 ; {MAC}",
            "native==2.0 ; sys_platform != 'darwin'",
        ],
        False,
    )
    more = f'environments = ["{LINUX}"]\nrequired-environments = ["{MAC}"]'
    done = compile_(more, "--universal", **wanted)
    assert done.out.splitlines() == ["base==1.0", "native==2.0"], done.err


def test_a_source_distribution_is_for_all_environments(compile_, shop):
    shop.add(*forge_backend())
    shop.add(*forge_sdist("native", "2.0"))
    required = f'required-environments = ["{MAC}"]'
    done = compile_(required, "--universal", dependencies=("native",))
    assert done.out.splitlines() == ["base==1.0", "native==2.0"], done.err
    done = compile_(required, "--universal", "--only-binary", "native", dependencies=("native",))
    assert f"native==1.0 ; {MAC}" in done.out.splitlines(), done.err


def test_a_package_without_a_wheel_for_a_required_environment(compile_):
    """It is an error only if the package is needed there."""
    required = f'required-environments = ["{LINUX}"]'
    done = compile_(required, "--universal", dependencies=(f"only ; {WINDOWS}",))
    assert done.out.splitlines() == [f"only==1.0 ; {WINDOWS}"], done.err
    done = compile_(required, "--universal", dependencies=("only",))
    assert done.code == 1
    assert "no version can be used where `sys_platform == 'linux'`" in done.err
    needed = f"there is neither a source distribution nor a wheel for `{LINUX}`, which is required"
    assert needed in done.err.replace('"', "'")


def test_a_local_version_is_for_the_platforms_of_its_wheels(compile_):
    """The same version without its local part is for the others."""
    done = compile_("", "--universal", dependencies=("local",))
    wheels = f"(platform_machine == 'AMD64' and {WINDOWS}) or (platform_machine == 'x86_64' and {LINUX})"
    assert set(done.out.splitlines()) == {
        f"base==1.0 ; {wheels}",
        f"local==3.0+cpu ; {wheels}",
        "local==3.0 ; (platform_machine != 'AMD64' and sys_platform != 'linux')"
        " or (platform_machine != 'x86_64' and sys_platform != 'win32')",
    }, done.err
    assert compile_("", "--universal", dependencies=("local==3.0+cpu",)).out.splitlines() == [
        "base==1.0",
        "local==3.0+cpu",
    ]


def test_a_version_without_any_wheel_for_the_platforms_is_not_taken(compile_):
    done = compile_(f'environments = ["{MAC}"]', "--universal", dependencies=("native", "local"))
    assert done.out.splitlines() == ["local==3.0", "native==1.0"], done.err
    done = compile_(f'environments = ["{MAC}"]', "--universal", dependencies=("only",))
    assert (done.code, "no wheel fits the target" in done.err) == (1, True), done.err
