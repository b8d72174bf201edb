"""Words on the command line that cannot be meant: what is said of them, whole."""

import re

import pytest

from puffin.cli.options.foreign import INSTEAD
from tests.helpers.backends import source_tree
from tests.helpers.cli import lines
from tests.helpers.commands import LEAVES
from tests.helpers.sdists import tar_bytes

ON_COMMAND_LINE = "error: Couldn't parse requirement on the command line"
DAMAGED = "the archive is damaged: it is not a tar file, or its beginning is missing"


@pytest.mark.parametrize(
    ("word", "code", "told"),
    [
        ("six==", 2, (ON_COMMAND_LINE, "  A version is expected after `==`.", "    six==", "         ^")),
        ("six.whl", 2, (
            ON_COMMAND_LINE, "  `six.whl` looks like a distribution, but there is no such file.",
            "    six.whl", "    ^",
        )),
        ("", 2, ("error: An empty word was given in the place of a package",)),
        ("./gone", 1, ("error: `./gone` cannot be used, because there is no such file or directory",)),
        ("-e./gone", 1, ("error: `-e ./gone` cannot be used, because there is no such file or directory",)),
        ("./gone-1.tar.gz", 1, (
            "error: `./gone-1.tar.gz` cannot be used, because there is no such file or directory",
        )),
        ("./page-1.tar.gz", 1, (f"error: `./page-1.tar.gz` cannot be used, because {DAMAGED}",)),
        ("git+file:///gone", 1, (
            "error: Failed to fetch `git+file:///gone`",
            "  ╰─▶ git: '/gone' does not appear to be a git repository",
        )),
    ],
)  # fmt: skip
def test_what_cannot_be_installed(puffin, env, word, code, told):
    puffin.file("page-1.tar.gz", "<html>")
    done = puffin("pip", "install", "--no-index", word)
    assert (done.code, done.err) == (code, lines(*told))


def test_a_module_that_is_missing_for_a_place_without_a_name(puffin, env):
    system = '[build-system]\nrequires = []\nbuild-backend = "nope"\n'
    puffin.file("a-1.tar.gz", tar_bytes({"a-1/pyproject.toml": system}))
    done = puffin("pip", "install", "--no-index", "./a-1.tar.gz")
    assert "`--no-build-isolation-package NAME`" in done.err


def test_a_page_that_does_not_follow_a_sign_of_equality(puffin, env):
    done = puffin("pip", "sync", "--profile", "p.html", "r.txt")
    assert done.err == lines(
        "error: The file of `--profile` follows a `=`", "", "hint: write `--profile=p.html`"
    )


@pytest.mark.parametrize("command", [("pip", "install"), ("pip", "sync")])
def test_a_built_wheel_that_is_none_is_told_with_its_source(puffin, env, command):
    broken = """
def build_wheel(directory, config_settings=None, metadata_directory=None):
    open(os.path.join(directory, "toy-1-py3-none-any.whl"), "w").write("no")
    return "toy-1-py3-none-any.whl"
"""
    source_tree(puffin.cwd, broken)
    puffin.file("r.txt", "toy @ ./tree\n")
    words = ("./tree",) if command[-1] == "install" else ("r.txt",)
    done = puffin(*command, "--no-index", *words)
    assert done.code == 1
    assert "`: the built wheel, `toy-1-py3-none-any.whl`, could not be installed\n" in done.err
    assert "tree" in done.err.partition("`: the built wheel")[0]


@pytest.mark.parametrize(
    ("words", "problem", "hint"),
    [
        (("help", "pip", "nothing"), "No such command `nothing`", "run `puffin pip --help` to see all commands"),
        (("pip", "install", "--no-binary"), "Option `--no-binary` requires an argument",
            "run `puffin pip install --help` to see all options"),
        (("completion",), "Missing argument `SHELL`. Choose from: bash, zsh, fish",
            "run `puffin completion --help` to see all options"),
        (("version",), "No such command `version`", "`puffin --version` prints the version"),
        (("install", "x"), "No such command `install`", "use `puffin pip install x`"),
        (("install", "a b", "--pre"), "No such command `install`", "use `puffin pip install 'a b' --pre`"),
        (("help", "freeze"), "No such command `freeze`", "use `puffin pip freeze`"),
        (("instal", "x"), "No such command `instal`", "did you mean `puffin pip install`?"),
        (("search", "x"), "No such command `search`",
            "an index cannot be searched by an installer; search on its site"),
        (("pip", "cache", "info"), "No such command `cache`",
            "`puffin cache dir` prints where the cache is, and `puffin cache size` how big"),
        (("zzz",), "No such command `zzz`", "run `puffin --help` to see all commands"),
        (("pip", "cache", "dir"), "No such command `cache`", "use `puffin cache dir`"),
        (("pip", "version"), "No such command `version`", "`puffin --version` prints the version"),
        (("cache", "info"), "No such command `info`",
            "`puffin cache dir` prints where the cache is, and `puffin cache size` how big"),
        (("cache", "version"), "No such command `version`", "run `puffin cache --help` to see all commands"),
        (("cache", "prun"), "No such command `prun`", "did you mean `puffin cache prune`?"),
        (("pip", "install", "--upgade", "x"), "No such option `--upgade`", "did you mean `--upgrade`?"),
        (("pip", "sync", "--report"), "No such option `--report`",
            "commands with this option: `puffin sync`, `puffin pip install`"),
        (("pip", "sync", "--zzz"), "No such option `--zzz`", "run `puffin pip sync --help` to see all options"),
        (("pip", "tree", "x", "y"), "Unexpected argument: `x y`", "run `puffin pip tree --help` to see all options"),
        (("profile", "history"), "None of the recorded runs ended well",
            "run `puffin profile show --last 10` to see the last runs"),
        (("graph",), "No requirements file was given", "for example: `puffin graph requirements.txt`"),
    ],
)  # fmt: skip
def test_hints_name_the_command_that_was_meant(puffin, words, problem, hint):
    done = puffin(*words)
    assert (done.code, done.err) == (
        1 if words[0] == "profile" else 2,
        lines(f"error: {problem}", "", f"hint: {hint}"),
    )


def test_what_stands_in_for_an_unknown_command_exists():
    for name, hint in INSTEAD.items():
        assert name not in LEAVES
        for said in re.findall(r"`puffin ([a-z ]+)", hint):
            assert any(f"{said} ".startswith(f"{leaf} ") or leaf.startswith(f"{said} ") for leaf in LEAVES), (
                said
            )


def test_the_help_of_a_group_lists_its_own_commands_in_full(puffin):
    for group in ("pip", "cache", "profile"):
        text = puffin(group, "--help").out
        assert "First steps" not in text
        assert "..." not in text.partition("Commands:")[2]
    for name in ("verify", "venv", "profile show", "completion"):
        assert "\nArguments:\n" in puffin(*name.split(), "--help").out


@pytest.mark.parametrize(
    ("command", "file"),
    [("sync", "requirements.txt"), ("lock", "requirements.in"), ("envs", "requirements.txt"),
     ("cache key", "requirements.txt")],
)  # fmt: skip
def test_where_no_environment_is_named_the_hint_is_about_the_command_at_hand(puffin, command, file):
    hint = f"hint: for example: `puffin {command} 'services/*/{file}'`"
    done = puffin(*command.split())
    nowhere = "error: No environments were given, and no `puffin.toml` or `pyproject.toml` here or above configures any"
    assert (done.code, done.out, done.err) == (2, "", lines(nowhere, "", hint))
    puffin.file("puffin.toml", "[[env-glob]]\nmatch = 'none/*.txt'\n")
    done = puffin(*command.split())
    assert (done.code, done.err.splitlines()[-1]) == (2, hint)
