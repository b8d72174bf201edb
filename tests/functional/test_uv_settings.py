"""The settings of ``[tool.uv]`` that puffin has too, by the real command line."""

import pytest

from tests.helpers.sdists import forge_backend, forge_sdist, write_project
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    for version in ("1.0", "2.0", "3.0"):
        index.add(*forge_wheel("lib", version))
        index.add(*forge_wheel("app", version, requires=["lib>=3", "extra"]))
    index.add(*forge_wheel("extra", "1.0"))
    index.add(*forge_sdist("extra", "1.0"))
    return index


def project(puffin, uv="", *, where="", name="p", requires='"app"', more=""):
    text = f'[project]\nname = "{name}"\nversion = "1"\ndependencies = [{requires}]\n[tool.uv]\n{uv}\n{more}'
    return puffin.file(f"{where}pyproject.toml", text)


def compiled(puffin, shop, *words, **options):
    return puffin("pip", "compile", *words, "--no-header", "--no-annotate", "-i", shop.url, **options)


def test_overrides_constraints_and_exclusions_of_a_project(puffin, shop):
    project(
        puffin,
        'override-dependencies = ["lib<2"]\nconstraint-dependencies = ["app<3"]\nexclude-dependencies = ["extra"]',
    )
    done = compiled(puffin, shop, "pyproject.toml")
    assert (done.out.splitlines(), "no effect" in done.err) == (["app==2.0", "lib==1.0"], False), done.err
    puffin.file("o.txt", "lib==2.0\n")
    done = compiled(
        puffin, shop, "pyproject.toml", "--override", "o.txt", "-c", puffin.file("c.txt", "app<2\n")
    )
    assert done.out.splitlines() == ["app==1.0", "lib==2.0"], done.err
    assert puffin("sync", "-i", shop.url).code == 0
    frozen = puffin("pip", "freeze", "-p", ".venv").out
    assert frozen.splitlines() == ["app==2.0", "lib==1.0"]


def test_of_a_workspace_those_of_the_root_count_and_have_sources(puffin, shop):
    uv = 'override-dependencies = ["lib"]\n[tool.uv.sources]\nlib = { path = "own" }\n'
    uv += '[tool.uv.workspace]\nmembers = ["m"]'
    project(puffin, uv)
    project(puffin, 'constraint-dependencies = ["app<2"]', where="m/", name="m")
    write_project(puffin.cwd / "own", "lib", "0.5", static=True)
    done = compiled(puffin, shop, "m/pyproject.toml")
    assert done.out.splitlines() == ["app==3.0", "extra==1.0", "./own"], done.err
    assert (
        done.err.count("`constraint-dependencies` in `[tool.uv]` has no effect in puffin (m/pyproject.toml:6)")
        == 1
    )


@pytest.mark.parametrize(
    ("uv", "pins"),
    [
        ("", ["app==3.0", "extra==1.0", "lib==3.0"]),
        ('exclude-newer-package = { app = "2000-01-01" }', "app"),
        ('exclude-newer = "2000-01-01"\nexclude-newer-package = { app = false, lib = false }', "extra"),
        ('resolution = "lowest"', ["app==1.0", "extra==1.0", "lib==3.0"]),
        ('no-binary-package = ["extra"]\nno-build = true', "extra"),
        ('no-build-package = ["other"]', ["app==3.0", "extra==1.0", "lib==3.0"]),
        ('no-binary-package = ["extra"]', ["app==3.0", "extra==1.0", "lib==3.0"]),
        ("no-index = true", "app"),
    ],
)
def test_settings(puffin, shop, uv, pins):
    """A name in the place of pins is the package that cannot be had."""
    project(puffin, uv)
    (puffin.cwd / "below").mkdir()
    for source, cwd in (("pyproject.toml", None), (puffin.file("below/r.in", "app\n"), puffin.cwd / "below")):
        words = ("pip", "compile", source, "--no-header", "--no-annotate")
        done = puffin(*words, cwd=cwd, env={"PIP_INDEX_URL": shop.url})
        if isinstance(pins, str):
            assert (done.code, f"`{pins}`" in done.err) == (1, True), done.err
        else:
            assert (done.out.splitlines(), done.code) == (pins, 0), done.err
        assert "no effect" not in done.err
        assert puffin(*words, "--no-config", "-i", shop.url, cwd=cwd).code == 0


def test_what_puffin_says_and_options_go_first(puffin, shop):
    project(puffin, 'resolution = "lowest"', more='[tool.puffin]\nresolution = "lowest-direct"\n')
    assert compiled(puffin, shop, "pyproject.toml").out.splitlines()[0] == "app==1.0"
    project(puffin, 'resolution = "lowest"')
    assert compiled(puffin, shop, "pyproject.toml", "--resolution", "highest").out.splitlines()[0] == "app==3.0"


def test_the_root_of_the_workspace_sets_what_holds_in_a_member(puffin, shop):
    project(puffin, 'resolution = "lowest"\n[tool.uv.workspace]\nmembers = ["m", "x"]\nexclude = ["x"]')
    for where in ("m/", "x/"):
        project(puffin, 'resolution = "highest"', where=where, name=where[0])
    for where in ("m/", "x/"):
        done = compiled(puffin, shop, "pyproject.toml", cwd=puffin.cwd / where)
        assert done.code == 0, done.err
        assert done.out.splitlines()[0] == ("app==1.0" if where == "m/" else "app==3.0"), done.err
    done = compiled(puffin, shop, "m/pyproject.toml")
    assert "`resolution` in `[tool.uv]` has no effect in puffin (m/pyproject.toml:6)" in done.err


@pytest.mark.parametrize(
    ("uv", "problem"),
    [
        ('no-build = "yes"', "`no-build` is not true or false"),
        ('resolution = "best"', "`best` is not a value of `resolution`"),
        ("no-binary-package = [1]", "`no-binary-package` is not a list of strings"),
        ("config-settings-package = { lib = 1 }", "`config-settings-package` is not a list of strings"),
        ('override-dependencies = "lib"', "`override-dependencies` is not a list of strings"),
        ('dev-dependencies = "lib"', "`dev-dependencies` is not a list of strings"),
    ],
)
def test_wrong_values_have_their_line(puffin, env, shop, uv, problem):
    project(puffin, uv)
    done = puffin("pip", "install", "-r", "pyproject.toml", "-i", shop.url)
    assert (done.code, env.installed()) == (2, {})
    assert problem in done.err
    assert "pyproject.toml:6" in done.err
    project(puffin, 'constraint-dependencies = ["lib=1"]')
    done = puffin("pip", "install", "-r", "pyproject.toml", "-i", shop.url)
    assert (done.code, "`pyproject.toml` at 6:" in done.err) == (2, True)


def test_what_has_no_equivalent_is_told_once(puffin, shop):
    project(puffin, 'fork-strategy = "fewest"\npackage = false\n[tool.uv.workspace]\nmembers = ["m"]')
    project(puffin, where="m/", name="m")
    done = puffin("sync", "-i", shop.url)
    assert (done.code, done.err.count("has no effect")) == (0, 1), done.err
    assert "warning: `fork-strategy` in `[tool.uv]` has no effect in puffin (pyproject.toml:6)" in done.err
    assert "has no effect" not in puffin("pip", "list").err


def test_scripts_and_older_groups(puffin, env, shop):
    puffin.file(
        "s.py",
        '# /// script\n# dependencies = ["app"]\n# [tool.uv]\n# exclude-newer = "2000-01-01"\n'
        '# override-dependencies = ["lib<2"]\n# ///\n',
    )
    done = compiled(puffin, shop, "s.py")
    assert done.out.splitlines() == ["app==3.0", "extra==1.0", "lib==1.0"]
    assert "`exclude-newer` in `[tool.uv]` has no effect in puffin (s.py:4)" in done.err
    project(
        puffin,
        'dev-dependencies = ["lib<3"]',
        requires='"extra"',
        more='[dependency-groups]\ndev = ["lib>1"]\n',
    )
    assert compiled(puffin, shop, "--group", "dev").out.splitlines() == ["lib==2.0"]
    assert puffin("sync", "-i", shop.url).code == 0
    assert puffin("pip", "freeze", "-p", ".venv").out.splitlines() == ["extra==1.0", "lib==2.0"]
