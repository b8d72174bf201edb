"""The environment variables that a build gets."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from puffin.stages.build.hooks import build_environ, without_nanny

KEPT = {
    "CC": "clang",
    "CFLAGS": "-O1",
    "HOME": "/home/u",
    "HTTPS_PROXY": "http://proxy",
    "LDFLAGS": "-L/x",
    "PYTHONHASHSEED": "1",
    "SETUPTOOLS_SCM_PRETEND_VERSION": "2",
    "SOURCE_DATE_EPOCH": "315532800",
    "SSL_CERT_FILE": "/ca.pem",
    "TMPDIR": "/scratch",
}
DROPPED = {
    "GIT_DIR": "/other/.git",
    "PIP_INDEX_URL": "https://u:p@host",
    "PUFFIN_INDEX_URL": "https://u:p@host",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHOME": "/x",
    "PYTHONPATH": "/x",
    "PYTHONSTARTUP": "/x.py",
    "PYTHONWARNINGS": "error",
    "UV_INDEX_URL": "https://u:p@host",
    "VIRTUAL_ENV_PROMPT": "(mine)",
    "__PYVENV_LAUNCHER__": "/x",
}


def test_what_a_build_gets() -> None:
    given_ = {**KEPT, **DROPPED, "PATH": "/mine/bin:/bin", "VIRTUAL_ENV": "/mine"}
    assert build_environ(given_, "/env/bin") == {
        **KEPT,
        "PATH": f"/env/bin{os.pathsep}/mine/bin:/bin",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        "VIRTUAL_ENV": "/env",
    }


def test_without_isolation_only_private_things_go() -> None:
    found = build_environ({**KEPT, **DROPPED, "VIRTUAL_ENV": "/mine", "PATH": "/bin"}, isolated=False)
    private = {name for name in DROPPED if name.startswith(("GIT_", "PIP_", "PUFFIN_", "UV_"))}
    left = {name: value for name, value in DROPPED.items() if name not in private}
    assert found == {**KEPT, **left, "VIRTUAL_ENV": "/mine", "PATH": "/bin", "PYTHONUNBUFFERED": "1"}


def test_without_a_path_there_is_the_systems() -> None:
    assert build_environ({}, "/env/bin")["PATH"] == f"/env/bin{os.pathsep}{os.defpath}"


def test_what_a_nanny_writes_goes_and_what_a_user_set_stays() -> None:
    written = {"PYTHONHASHSEED": "6640", "OMP_NUM_THREADS": "1", "MALLOC_TRIM_THRESHOLD_": "65536", "A": "1"}
    assert without_nanny(written) == {"A": "1"}
    assert without_nanny({"OMP_NUM_THREADS": "4"}) == {"OMP_NUM_THREADS": "4"}


def test_these_are_what_a_nanny_writes() -> None:
    import dask
    import distributed.nanny

    written = {key: str(value) for key, value in dask.config.get("distributed.nanny.pre-spawn-environ").items()}
    assert distributed.nanny.Nanny
    assert without_nanny(written) == {}


@given(st.dictionaries(st.sampled_from([*KEPT, *DROPPED, "PATH", "OTHER"]), st.text(max_size=5)), st.booleans())
def test_it_changes_nothing_twice(environ: dict[str, str], isolated: bool) -> None:
    once = build_environ(environ, isolated=isolated)
    assert build_environ(once, isolated=isolated) == once
    assert all(once[name] == environ[name] for name in KEPT if name in environ)
