"""The request that travels to machines: each setting holds there, or is named as one that stays."""

import pickle

import pytest

from puffin.pipeline.provision.order import STAYS, RecordedFiles, travelling
from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.settings import Configured, NetworkOptions, Settings, Where
from puffin.pipeline.workspace.specs import EnvSpec
from puffin.value import field_names, replace

NOWHERE = Settings(files=(), cache_dir="")
SPEC = EnvSpec(name="app", path="/srv/app")
OTHER = {
    "where": Where(python="3.12"),
    "configured": Configured(index_url="https://user:secret@example.org/simple/"),
    "network": NetworkOptions(trusted_host=("example.org",), timeout=7.0, retries=9),
    "prerelease_package": (("lib", "allow"),),
    "build_constraint": ("/here/limits.txt", "https://example.org/limits.txt"),
}


def another(name):
    """Return a value of a setting that is not its default."""
    if name in OTHER:
        return OTHER[name]
    default = getattr(NOWHERE, name)
    if isinstance(default, bool):
        return not default
    return {str: f"some {name}", int: 17, tuple: (f"some {name}",), type(None): object}[type(default)]


@pytest.mark.parametrize("name", field_names(Settings))
def test_a_setting_holds_on_a_machine_or_stays(name):
    value = another(name)
    assert value != getattr(NOWHERE, name)
    sent = pickle.loads(pickle.dumps(travelling(replace(NOWHERE, **{name: value}), SPEC)))
    assert getattr(sent, name) == (getattr(NOWHERE, name) if name in STAYS else value)


def test_certificates_proxies_and_the_keyring_are_those_of_the_machine():
    own = NetworkOptions(cert="/a", client_cert="/b", proxy="http://p", keyring_provider="subprocess")
    assert travelling(replace(NOWHERE, network=own), SPEC).network == NetworkOptions()


@pytest.mark.parametrize("own", [True, False])
def test_settings_of_an_environment_override_those_of_the_run(own):
    spec = replace(SPEC, link_mode="copy", compile_bytecode=own)
    sent = travelling(replace(NOWHERE, link_mode="symlink", compile_bytecode=not own), spec)
    assert (sent.link_mode, sent.compile_bytecode) == ("copy", own)


def test_a_relative_constraint_has_the_same_path_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sent = travelling(replace(NOWHERE, build_constraint=("limits.txt", "file:///srv/limits.txt", "-")), SPEC)
    assert sent.build_constraint == (str(tmp_path / "limits.txt"), "/srv/limits.txt", "-")


def test_files_that_were_read_travel():
    held = {"/here/a.txt": b"a", "/here/in/b.txt": b"b"}
    recorded = RecordedFiles(held.__getitem__)
    assert [recorded.read(path) for path in held] == [b"a", b"b"]
    session = replace(session_of(NOWHERE, {}), files=pickle.loads(pickle.dumps(recorded.files)))
    assert [session.read(path) for path in held] == [b"a", b"b"]
