"""Configuration files: which count, and what they say."""

import os
import sys
from pathlib import Path

import pytest

from puffin.cli.config import files as config_files
from puffin.cli.config.files import pip_files, puffin_files
from puffin.cli.config.layers import configured
from puffin.cli.config.pip import line_of, pip_settings
from puffin.cli.config.settings import check_setting, read_settings
from puffin.cli.config.toml import puffin_settings
from puffin.cli.options.table import SYNC, read_by_hand
from puffin.pipeline.inputs.inputs import index_config
from puffin.pipeline.request.settings import Configured, Settings
from puffin.pipeline.workspace.document import ConfigurationInvalid, SettingValue, speaks_of_puffin
from puffin.stages.resolve.index.config import IndexConfig, NamedIndex
from puffin.stages.resolve.requirements.values import Requirements
from puffin.value import replace

POSIX = pytest.mark.skipif(sys.platform != "linux", reason="the places differ elsewhere")


class Told:
    """Takes what ``-v`` would say."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def detail(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def said(environ, *sections, root=""):
    return {
        each.name: each.value for each in pip_settings(environ, str(root), sections or ("global", "install"))
    }


@POSIX
def test_pips_files_come_in_pips_order(home):
    environ = {"XDG_CONFIG_DIRS": "/one:/two"}
    assert pip_files(environ, "/env") == (
        "/one/pip/pip.conf",
        "/two/pip/pip.conf",
        "/etc/pip.conf",
        f"{home}/.pip/pip.conf",
        f"{home}/.config/pip/pip.conf",
        "/env/pip.conf",
    )
    assert pip_files({}, "")[0] == "/etc/xdg/pip/pip.conf"
    assert pip_files({"XDG_CONFIG_HOME": "/x"}, "")[-1] == "/x/pip/pip.conf"
    relative = {"XDG_CONFIG_HOME": "x", "XDG_CONFIG_DIRS": "y"}
    assert [path for path in pip_files(relative, "") if not os.path.isabs(path)] == []


@POSIX
def test_the_file_that_is_named_replaces_the_users_if_it_is_there(home):
    named = write(home / "named.conf", "")
    found = pip_files({"PIP_CONFIG_FILE": str(named)}, "/env")
    assert found == ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "/env/pip.conf", str(named))
    found = pip_files({"PIP_CONFIG_FILE": "/not/there"}, "")
    assert found[2:] == (f"{home}/.pip/pip.conf", f"{home}/.config/pip/pip.conf", "/not/there")
    assert pip_files({"PIP_CONFIG_FILE": os.devnull}, "/env") == ()


@pytest.fixture
def quiet(home, monkeypatch):
    """Variables with which only the files of a test are read: the machine's own say nothing that counts here."""
    monkeypatch.setattr(config_files, "_global_directories", lambda environ: [])
    nothing = write(home / "none" / "pip.conf", "")
    return {"PIP_CONFIG_FILE": str(nothing)}


def test_every_setting_of_the_closed_list(quiet):
    Path(quiet["PIP_CONFIG_FILE"]).write_text(
        "[global]\n"
        "index-url = https://one/simple\n"
        "extra_index_url =\n    https://two/simple\n    https://three/simple\n"
        "find-links = /a /b\n"
        "no-index = no\n"
        "trusted-host = one\n  two:8080\n"
        "cert = ~/ca.pem\n"
        "client-cert = /client.pem\n"
        "proxy = http://proxy:1\n"
        "default-timeout = 7\n"
        "retries = 2\n"
        "require-hashes = on\n"
        "only-binary = a,b\n"
        "no-binary = :all:\n"
        "constraint = c.txt d.txt\n"
        "keyring-provider = subprocess\n"
        "progress-bar = off\n"
        "[list]\nformat = columns\n"
    )
    assert said(quiet) == {
        "index_url": "https://one/simple",
        "extra_index_url": ("https://two/simple", "https://three/simple"),
        "find_links": ("/a", "/b"),
        "no_index": False,
        "trusted_host": ("one", "two:8080"),
        "cert": os.path.expanduser("~/ca.pem"),
        "client_cert": "/client.pem",
        "proxy": "http://proxy:1",
        "timeout": "7",
        "retries": "2",
        "require_hashes": True,
        "only_binary": ("a,b",),
        "no_binary": (":all:",),
        "constraint": ("c.txt", "d.txt"),
        "keyring_provider": "subprocess",
    }


def test_variables_go_before_sections_and_sections_before_files(quiet, home):
    root = home / "env"
    write(
        root / "pip.conf", "[install]\nretries = 1\ntimeout = 1\n[global]\nproxy = http://site\nretries = 9\n"
    )
    Path(quiet["PIP_CONFIG_FILE"]).write_text("[global]\nretries = 2\nproxy = http://named\ntimeout = 2\n")
    found = said({**quiet, "PIP_TIMEOUT": "3", "PIP_DEFAULT_TIMEOUT": ""}, root=root)
    assert (found["retries"], found["timeout"], found["proxy"]) == ("1", "3", "http://named")
    assert said(quiet, "global", root=root)["retries"] == "2"
    assert said({**quiet, "PIP_RETRIES": ""}, root=root)["retries"] == "1", "an empty variable says nothing"


def test_an_empty_value_takes_back_what_an_earlier_file_says(quiet, home):
    write(home / "env" / "pip.conf", "[global]\nfind-links = /earlier\n")
    Path(quiet["PIP_CONFIG_FILE"]).write_text("[global]\nfind-links =\n")
    assert "find_links" not in said(quiet, root=home / "env")


def test_interpolation_is_off(quiet):
    Path(quiet["PIP_CONFIG_FILE"]).write_text("[global]\nindex-url = https://u:p%40@host/%(x)s\n")
    assert said(quiet)["index_url"] == "https://u:p%40@host/%(x)s"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("index-url = x\n", 1, "`index-url = x` cannot stand there"),
        ("[global]\nretries = 1\nnonsense\n", 3, "`nonsense` cannot stand there"),
        ("[global]\nretries = 1\nretries = 2\n", 3, "`retries = 2` cannot stand there"),
        ("[global]\na = 1\n[global]\n", 3, "`[global]` cannot stand there"),
        ("[global]\n\nno-index = maybe\n", 3, "`no-index` is `maybe`, which is neither true nor false"),
    ],
)
def test_errors_name_file_and_line(quiet, text, line, problem):
    path = quiet["PIP_CONFIG_FILE"]
    Path(path).write_text(text)
    with pytest.raises(ConfigurationInvalid) as caught:
        said(quiet)
    assert caught.value.summary() == f"Failed to read the configuration at `{path}:{line}`: {problem}"
    assert caught.value.hints


def test_a_variable_that_is_no_switch(quiet):
    with pytest.raises(ConfigurationInvalid) as caught:
        said({**quiet, "PIP_REQUIRE_HASHES": "perhaps"})
    assert "`PIP_REQUIRE_HASHES`" in caught.value.summary()


def test_a_file_that_is_not_utf_8(quiet):
    Path(quiet["PIP_CONFIG_FILE"]).write_bytes(b"[global]\n# caf\xe9\n")
    with pytest.raises(ConfigurationInvalid, match=r":2`: the file is not UTF-8"):
        said(quiet)


def test_lines_of_settings():
    text = "[a]\nx = 1\n  x = not this\n[b]\n\nX: 2\n"
    assert (line_of(text, "a", "x"), line_of(text, "b", "x"), line_of(text, "b", "y")) == (2, 6, 0)


def toml(text, name="puffin.toml", directory="/p"):
    return puffin_settings(f"{directory}/{name}", text.encode())


def test_puffins_settings_have_the_names_of_options():
    found, indexes = toml(
        'index-url = "https://x/simple"\nfind-links = ["wheels", "https://y/"]\njobs = 3\nno-index = false\n'
        'cert = "ca.pem"\npython = "3.12"\n'
    )
    assert indexes == ()
    assert [(each.name, each.value, each.place) for each in found] == [
        ("index_url", "https://x/simple", "/p/puffin.toml:1"),
        ("find_links", ("/p/wheels", "https://y/"), "/p/puffin.toml:2"),
        ("jobs", "3", "/p/puffin.toml:3"),
        ("no_index", False, "/p/puffin.toml:4"),
        ("cert", "/p/ca.pem", "/p/puffin.toml:5"),
        ("python", "3.12", "/p/puffin.toml:6"),
    ]
    found, _ = toml('[project]\nname = "x"\n[tool.puffin]\nretries = 1\npython = "./env"\n', "pyproject.toml")
    assert [(each.name, each.value, each.place) for each in found] == [
        ("retries", "1", "/p/pyproject.toml:4"),
        ("python", "/p/env", "/p/pyproject.toml:5"),
    ]


@pytest.mark.parametrize(
    ("text", "problem", "hints"),
    [
        ("\nindex_ur = 1\n", ":2`: the setting `index_ur` is unknown", ("did you mean `index-url`?",)),
        ("quiet = 1\n", ":1`: the setting `quiet` is unknown", ()),
        ('offline = "yes"\n', ":1`: `offline` is not true or false", ()),
        ("find-links = 'x'\n", ":1`: `find-links` is not a list of strings", ()),
        ("retries = [1]\n", ":1`: `retries` is not a string", ()),
        ("a = \n", ":1`: invalid value", ()),
        ("index = 'x'\n", ":1`: indexes are written as `[[index]]` tables", ()),
        ("[[index]]\nname='a'\n", ":1`: an index has no `url`", ()),
        (
            "[[index]]\nname='a'\nurl='b'\nuser='c'\n",
            ":4`: `user` is unknown in an index",
            ("an index has `name`, `url`, `packages`, `explicit`, `default`",),
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, problem, hints):
    with pytest.raises(ConfigurationInvalid) as caught:
        toml(text)
    assert caught.value.summary() == f"Failed to read the configuration at `/p/puffin.toml{problem}"
    assert caught.value.hints == hints


def test_the_nearest_file_of_puffins_and_then_the_users(home):
    below = home / "a" / "b"
    below.mkdir(parents=True)
    write(below / "pyproject.toml", "[project]\nname = 'puffin-user'\n")
    write(home / "a" / "pyproject.toml", "[tool.puffin]\nretries = 1\n")
    write(home / "puffin.toml", "")
    own = write(home / ".config" / "puffin" / "puffin.toml", "")
    assert [path for path, *_ in puffin_files({}, str(below))] == [f"{home}/a/pyproject.toml", str(own)]
    write(home / "a" / "puffin.toml", "")
    assert [path for path, *_ in puffin_files({}, str(below))] == [f"{home}/a/puffin.toml", str(own)]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("[tool.puffin]\n", True),
        ("[ tool . puffin ]\n", True),
        ("[[tool.puffin.index]]\n", True),
        ("[tool]\npuffin = {}\n", True),
        ("tool.puffin.retries = 1\n", True),
        ("[\"tool\".'puffin'.envs.a]\n", True),
        ('[tool]\n"puffin" = {}\n', True),
        ("tool = { puffin = {} }\n", True),
        ("[project]\ndependencies = ['puffin']\n", False),
        ("[tool.other]\nx = 1\n", False),
    ],
)
def test_whether_a_project_speaks_of_puffin(text, answer):
    assert speaks_of_puffin(text.encode()) is answer
    assert speaks_of_puffin(text.replace("puffin", "uv").encode(), b"uv") is answer


@pytest.mark.parametrize(
    "text", ["[tool.uv-dynamic-versioning]\n", "[tool]\nuvicorn = {}\n", "tool.uv_x.a = 1\n"]
)
def test_the_table_of_another_tool_is_not_that_of_uv(text):
    assert not speaks_of_puffin(text.encode(), b"uv")


def test_members_of_a_wrong_kind_are_no_traceback(home):
    below = home / "a" / "b"
    below.mkdir(parents=True)
    for members in ('"b"', "[1]", "{}"):
        root = write(home / "a" / "pyproject.toml", f"[tool.uv.workspace]\nmembers = {members}\n")
        own = write(below / "pyproject.toml", "[tool.uv]\n")
        assert [path for path, *_ in puffin_files({}, str(below))] == [str(own)], root


@pytest.mark.parametrize("tool", ["uv", "puffin"])
@pytest.mark.parametrize("members", ['["b"]', '["*"]', '["**"]'])
def test_the_root_of_a_workspace_has_the_settings_of_its_members(home, tool, members):
    root = write(home / "a" / "pyproject.toml", f"[tool.{tool}.workspace]\nmembers = {members}\n[tool.uv]\n")
    own = write(home / "a" / "b" / "pyproject.toml", "[tool.uv.sources]\nc = { workspace = true }\n")
    assert [path for path, *_ in puffin_files({}, str(own.parent)) if path in (str(own), str(root))][-1] == str(
        root
    )


def test_what_a_workspace_leaves_out_has_its_own_settings(home):
    write(home / "a" / "pyproject.toml", '[tool.uv.workspace]\nmembers = ["*"]\nexclude = ["b"]\n')
    own = write(home / "a" / "b" / "pyproject.toml", "[tool.uv.sources]\nc = { workspace = true }\n")
    assert [path for path, *_ in puffin_files({}, str(own.parent))] == [str(own)]


def merged(environ, *words, home=None, **changes):
    options = {**read_by_hand(SYNC, [*words, "r.txt"], environ), **changes}
    told = Told()
    return configured("sync", options, told, environ), told.lines


def test_precedence_from_the_command_line_down_to_pip(quiet, home):
    Path(quiet["PIP_CONFIG_FILE"]).write_text(
        "[global]\nindex-url = https://conf\nextra-index-url = https://u:pw@conf-extra\nretries = 1\ntimeout = 1\n"
    )
    write(
        home / "puffin.toml",
        'index-url = "https://toml"\nextra-index-url = ["https://toml-extra"]\nretries = 5\n',
    )
    environ = {**quiet, "PIP_PROXY": "http://pip", "PUFFIN_PROXY": "http://puffin", "PIP_TRUSTED_HOST": "pip"}
    found, told = merged(environ, "--extra-index-url", "https://cli", "--trusted-host", "cli")
    assert found["configured"] == Configured(
        index_url="https://toml", extra_index_url=("https://toml-extra", "https://u:pw@conf-extra")
    )
    assert (found["retries"], found["timeout"], found["proxy"]) == ("5", "1", "http://puffin")
    assert (found["extra_index_url"], found["trusted_host"]) == (("https://cli",), ("cli", "pip"))
    path = quiet["PIP_CONFIG_FILE"]
    assert sorted(told) == sorted(
        [
            f"index-url = https://toml ({home}/puffin.toml:1)",
            f"extra-index-url = https://toml-extra ({home}/puffin.toml:2)",
            f"retries = 5 ({home}/puffin.toml:3)",
            f"extra-index-url = https://****@conf-extra ({path}:3)",
            f"timeout = 1 ({path}:5)",
            "trusted-host = pip (PIP_TRUSTED_HOST)",
        ]
    )


def test_isolated_and_no_config_switch_them_off(quiet, home):
    Path(quiet["PIP_CONFIG_FILE"]).write_text("[global]\nretries = 1\n")
    write(home / "puffin.toml", "timeout = 2\n")
    assert [merged(quiet, *words)[0][name] for words in ((), ("--isolated",), ("--no-config",))
            for name in ("retries", "timeout")] == ["1", "2", "", "2", "1", ""]  # fmt: skip
    assert merged({**quiet, "PUFFIN_ISOLATED": "1", "PIP_RETRIES": "3"})[0]["retries"] == ""


def test_no_index_yields_to_an_index_that_a_higher_place_names(quiet, home):
    Path(quiet["PIP_CONFIG_FILE"]).write_text("[global]\nno-index = true\n")
    assert merged(quiet)[0]["configured"].no_index
    assert not merged(quiet, "-i", "https://cli")[0]["configured"].no_index
    assert not merged({**quiet, "PUFFIN_NO_INDEX": "0"})[0]["configured"].no_index
    write(home / "puffin.toml", "no-index = false\n")
    assert not merged(quiet)[0]["configured"].no_index
    settings = Settings(files=(), cache_dir="", configured=Configured(no_index=True, find_links=("/c",)))
    written = Requirements(index_url="https://file", find_links=("/f",))
    assert index_config(settings, written).index_url == "https://file"
    assert index_config(settings, written).find_links == ("/f", "/c")
    assert index_config(settings, None).indexes() == ()


def test_a_higher_place_has_the_last_word_on_the_kinds_of_files(quiet):
    Path(quiet["PIP_CONFIG_FILE"]).write_text("[global]\nno-binary = a,b_c\nonly-binary = d\n")
    found, _ = merged(quiet, only_binary=("A",), no_binary=())
    assert (found["only_binary"], found["no_binary"]) == (("d", "A"), ("b-c",))
    found, _ = merged(quiet, only_binary=(":all:",), no_binary=())
    assert (found["only_binary"], found["no_binary"]) == ((":all:",), ())


def test_indexes_with_names(home, monkeypatch):
    text = (
        "[[index]]\nname = 'corp'\nurl = 'https://corp/simple'\npackages = ['acme-*']\nexplicit = true\n"
        "[[index]]\nname = 'main'\nurl = 'https://main/simple'\ndefault = true\n"
        "[[index]]\nname = 'more.x'\nurl = 'https://u@more/simple'\n"
    )
    write(home / "puffin.toml", text)
    environ = {
        "PIP_CONFIG_FILE": os.devnull,
        "PUFFIN_INDEX_CORP_USERNAME": "me",
        "PUFFIN_INDEX_CORP_PASSWORD": "p@ss",
        "PUFFIN_INDEX_MAIN_PASSWORD": "token",
        "PUFFIN_INDEX_MORE_X_USERNAME": "not used",
    }
    for variable, text in environ.items():
        monkeypatch.setenv(variable, text)
    options, _ = merged(environ, "--index", "corp=https://other/simple", "--index", "https://plain/simple?a=b")
    found = read_settings(options, "")
    assert [each.url for each in found.indexes] == [
        "https://me:p%40ss@other/simple", "https://plain/simple?a=b", "https://:token@main/simple",
        "https://u@more/simple",
    ]  # fmt: skip
    config = index_config(found, None)
    assert config.indexes() == (
        "https://me:p%40ss@other/simple", "https://plain/simple?a=b", "https://u@more/simple",
        "https://:token@main/simple",
    )  # fmt: skip
    config = index_config(read_settings(merged(environ)[0], ""), None)
    assert config.for_package("acme-tools") == ("https://me:p%40ss@corp/simple",)
    assert config.for_package("six") == ("https://u@more/simple", "https://:token@main/simple")
    assert index_config(Settings(files=(), cache_dir="", no_index=True, indexes=config.named), None).named == ()


def test_the_digest_of_places_knows_what_changes_an_answer():
    named = NamedIndex(name="a", url="https://a", packages=("x",))
    configs = [
        IndexConfig(index_url="https://a"),
        IndexConfig(index_url="https://a", strategy="unsafe-best-match"),
        IndexConfig(index_url="https://a", named=(named,)),
        IndexConfig(index_url="https://a", named=(replace(named, packages=("y",)),)),
        IndexConfig(index_url="https://a", named=(replace(named, explicit=True),)),
    ]
    assert len({config.digest() for config in configs}) == 4, "for one place, explicit or not is the same"
    secret = replace(named, url="https://u:p@a")
    assert IndexConfig(named=(secret,)).digest() == IndexConfig(named=(named,)).digest()


HARMLESS = 'index-url = "x"  # y\nextra-index-url = [\n  "a=b",\n  "c"]\n[[index]]\nname = "x"\n'


def test_a_scheduler_may_be_configured():
    check_setting(SettingValue(name="executor", value="tcp://10.0.0.1:8786", place="puffin.toml:1"))
    with pytest.raises(ConfigurationInvalid, match="`fast` is not a value of `link-mode`"):
        check_setting(SettingValue(name="link_mode", value="fast", place="puffin.toml:1"))
