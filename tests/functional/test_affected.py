"""``puffin affected`` and ``sync --changed-since``: what is affected has another digest at both commits."""

import json
import os
import shutil

import pytest

from tests.functional.test_workspace_more import git

BUILD = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
LOCK_HEAD = 'version = 1\nrequires-python = ">=3.9"\n'


def commit(puffin):
    git(puffin, "add", "--all")
    git(puffin, "commit", "--allow-empty", "-m", "change")


def repository(puffin):
    """Make a repository whose tag ``nothing`` has no files."""
    git(puffin, "init", "--initial-branch=main")
    git(puffin, "commit", "--allow-empty", "-m", "nothing")
    git(puffin, "tag", "nothing")


def affected(puffin, since, *words, **options):
    done = puffin("affected", "--since", since, "--format", "json", *words, **options)
    assert done.code == 0, done.err
    return json.loads(done.raw_out)


def names(found):
    return {each["name"] for each in found["environments"]}


def digests(puffin):
    """Return the paths and digests of all environments as the work tree is."""
    return {
        each["name"]: (each["path"], each["digest"]) for each in affected(puffin, "nothing")["environments"]
    }


def project(name, *requires, more="", version='version = "1"\n'):
    listed = ", ".join(f'"{each}"' for each in requires)
    return f'[project]\nname = "{name}"\n{version}dependencies = [{listed}]\n{more}{BUILD}'


def put(path, text):
    return lambda puffin: puffin.file(path, text)


def append(path, text):
    return lambda puffin: puffin.file(path, (puffin.cwd / path).read_text() + text)


def change(path, old, new):
    def edit(puffin):
        text = (puffin.cwd / path).read_text()
        assert old in text
        puffin.file(path, text.replace(old, new))

    return edit


def remove(path):
    return lambda puffin: (puffin.cwd / path).unlink()


def drop(path):
    return lambda puffin: shutil.rmtree(puffin.cwd / path)


def move(path, other):
    return lambda puffin: os.rename(puffin.cwd / path, puffin.cwd / other)


def package(name, version, *requires):
    needed = "".join(f'    {{ name = "{each}" }},\n' for each in requires)
    return (
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "https://example.org/simple" }}\n'
        f"dependencies = [\n{needed}]\n"
        f'wheels = [{{ url = "https://example.org/{name}.whl", hash = "sha256:{version:0>64}" }}]\n'
    )


def members(puffin):
    """80 members in 16 chains of five: m4 needs m3, … needs m0. m5x are taken as wheels, m79 has a dynamic version."""
    lock = [LOCK_HEAD, "[manifest]\nmembers = [" + ", ".join(f'"m{n}"' for n in range(80)) + "]\n"]
    for number in range(80):
        below = f"m{number - 1}" if number % 5 else ""
        copied = 50 <= number < 60
        source = f"{below} = {{ workspace = true{', editable = false' if copied else ''} }}\n"
        more = "[project.optional-dependencies]\nmore = ['gamma']\n" if number % 5 == 0 else ""
        tail = f"[tool.uv.sources]\n{source}" if below else ""
        tail += '[dependency-groups]\ndev = ["pytest"]\ndocs = ["sphinx"]\n'
        text = project(
            f"m{number}", "alpha>=1", *filter(None, [below]), more=more,
            version='dynamic = ["version"]\n' if number == 79 else 'version = "1"\n',
        )  # fmt: skip
        where = f"packages/m{number}"
        puffin.file(f"{where}/pyproject.toml", text + tail)
        puffin.file(f"{where}/README.md", "read me\n")
        puffin.file(f"{where}/src/m{number}/__init__.py", "")
        puffin.file(f"{where}/tests/test_it.py", "")
        own = (
            f'[[package]]\nname = "m{number}"\nversion = "1"\nsource = {{ editable = "packages/m{number}" }}\n'
        )
        needs = ['{ name = "alpha" }', *([f'{{ name = "{below}" }}'] if below else [])]
        lock.append(own + f"dependencies = [{', '.join(needs)}]\n")
        lock.append(
            f'[package.dev-dependencies]\ndev = [{{ name = "{"beta" if number < 5 else "pytest"}" }}]\n'
        )
    needs = {"pytest": ["beta"]}
    lock += [package(name, "1", *needs.get(name, ())) for name in ("alpha", "beta", "pytest", "lone")]
    puffin.file("uv.lock", "".join(lock))
    root = '[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = ["packages/old"]\n'
    puffin.file("pyproject.toml", root)
    puffin.file("notes.txt", "")
    puffin.file(".gitignore", ".venv\nignored\n")


def m(*numbers):
    return {f"packages/m{number}" for number in numbers}


DYNAMIC = m(79)  # each commit counts
EVERY = m(*range(80))
MEMBER_EDITS = {
    "a file that no member has": (append("notes.txt", "x"), set()),
    "a module of an editable member": (append("packages/m0/src/m0/__init__.py", "A = 1\n"), set()),
    "a new module of an editable member": (put("packages/m0/src/m0/new.py", ""), set()),
    "a test of an editable member": (append("packages/m0/tests/test_it.py", "A = 1\n"), set()),
    "a module of a member that is copied": (append("packages/m51/src/m51/__init__.py", "A = 1\n"), m(52, 53, 54)),
    "a new module of a member that is copied": (put("packages/m51/src/m51/new.py", ""), m(52, 53, 54)),
    "a module less of a member that is copied": (remove("packages/m53/src/m53/__init__.py"), m(54)),
    "a module that is renamed, of a copied member": (
        move("packages/m52/src/m52/__init__.py", "packages/m52/src/m52/other.py"), m(53, 54),
    ),
    "a readme": (append("packages/m1/README.md", "x"), m(1, 2, 3, 4)),
    "a new directory of an editable": (put("packages/m3/other/x.py", ""), m(3, 4)),
    "a version": (change("packages/m2/pyproject.toml", 'version = "1"', 'version = "2"'), m(2, 3, 4)),
    "a dependency": (change("packages/m2/pyproject.toml", "alpha>=1", "alpha>=2"), m(2, 3, 4)),
    "a comment in a pyproject.toml": (append("packages/m4/pyproject.toml", "# x\n"), m(4)),
    "an extra": (change("packages/m5/pyproject.toml", "'gamma'", "'delta'"), m(5, 6, 7, 8, 9)),
    "a group that is installed": (change("packages/m9/pyproject.toml", '"pytest"', '"pytest>=1"'), m(9)),
    "the end of a chain": (change("packages/m0/pyproject.toml", "alpha>=1", "alpha>=3"), m(0, 1, 2, 3, 4)),
    "a further link between members": (
        change("packages/m10/pyproject.toml", '"alpha>=1"', '"alpha>=1", "m4"'), m(10, 11, 12, 13, 14),
    ),
    "a source that is copied now": (
        change("packages/m24/pyproject.toml", "workspace = true", "workspace = true, editable = false"), m(24),
    ),
    "a new member": (put("packages/new/pyproject.toml", project("new", "m2", more="")), {"packages/new"}),
    "a member that nobody needs, gone": (drop("packages/m14"), set()),
    "an excluded directory": (put("packages/old/pyproject.toml", project("old")), set()),
    "a directory with a name that is ignored": (put("packages/m51/.venv/x.py", ""), set()),
    "the lock: a package of all": (change("uv.lock", package("alpha", "1"), package("alpha", "2")), EVERY),
    "the lock: a package of some": (change("uv.lock", package("pytest", "1", "beta"), package("pytest", "2", "beta")),
        EVERY - m(0, 1, 2, 3, 4)),
    "the lock: a package of nobody": (change("uv.lock", package("lone", "1"), package("lone", "2")), set()),
    "the lock: a comment": (append("uv.lock", "# x\n"), set()),
    "the lock is gone": (remove("uv.lock"), EVERY),
    "a setting": (append("pyproject.toml", '[tool.puffin]\nno-binary = ["alpha"]\n'), EVERY),
    "an index": (append("pyproject.toml", '[[tool.uv.index]]\nname = "x"\nurl = "https://example.org/x"\n'), EVERY),
}  # fmt: skip


def configured(puffin):
    """80 environments: 60 of requirements, 10 of projects, 5 of locks, and a matrix of 5."""
    for number in range(5):
        copied = "" if number else "../vendored/thing-1.0.tar.gz\n"
        puffin.file(f"libs/l{number}/pyproject.toml", project(f"l{number}", "alpha"))
        puffin.file(f"libs/l{number}/src/l{number}/__init__.py", "")
        puffin.file(f"shared/c{number}.txt", f"{copied}-r deep{number}.txt\n")
        puffin.file(f"shared/deep{number}.txt", "gamma>=1\n")
    puffin.file("libs/old/setup.py", "from setuptools import setup\nsetup(name='old')\n")
    puffin.file("libs/old/inner/data.c", "")
    puffin.file("vendored/thing-1.0.tar.gz", "bytes")
    for number in range(60):
        kind = ("-e ", "")[number % 2]
        old = "-e ../../libs/old\n" if number == 7 else ""
        text = f"-r ../../shared/c{number % 5}.txt\n{kind}../../libs/l{number % 5}\nbeta=={number}\n{old}"
        puffin.file(f"services/s{number}/requirements.in", text)
    puffin.file("services/s9/requirements.txt", "beta==9\n")
    lines = ['[[env-glob]]\nmatch = "services/*/requirements.in"\n']
    lines.append("[env-defaults]\nconstraints = 'limits.txt'\n")
    for number in range(10):
        source = f"[tool.uv.sources]\nl1 = {{ path = '../../libs/l1', editable = {['false', 'true'][number % 2]} }}\n"
        puffin.file(f"apps/a{number}/pyproject.toml", project(f"a{number}", "l1") + source)
        puffin.file(f"apps/a{number}/src/a{number}/__init__.py", "")
        lines.append(f"[envs.a{number}]\nproject = 'apps/a{number}'\nconstraints = []\n")
    for number in range(5):
        table = f"[[packages]]\nname = 'l2'\n[packages.directory]\npath = 'libs/l{number}'\n"
        puffin.file(f"pylock.p{number}.toml", f"lock-version = '1.0'\ncreated-by = 'x'\n{table}")
        lines.append(f"[envs.p{number}]\npylock = 'pylock.p{number}.toml'\npath = '.envs/p{number}'\n")
    puffin.file("matrix.txt", "alpha==1\n")
    lines.append("[envs.x]\nrequirements = 'matrix.txt'\npython = ['3.8', '3.9', '3.10', '3.11', '3.12']\n")
    puffin.file("limits.txt", "zeta<9\n")
    puffin.file("puffin.toml", "".join(lines))
    puffin.file(".gitignore", ".venv\n.envs\n")


def s(*numbers):
    return {f"services/s{number}" for number in numbers}


def of(remainder, parity=None):
    return s(*[n for n in range(60) if n % 5 == remainder and parity in (None, n % 2)])


APPS = {f"a{number}" for number in range(10)}
MATRIX = {f"x-{python}" for python in ("3.8", "3.9", "3.10", "3.11", "3.12")}
LIMITED = s(*range(60)) | MATRIX
CONFIGURED_EDITS = {
    "a requirement": (append("services/s3/requirements.in", "delta\n"), s(3)),
    "a comment": (append("services/s3/requirements.in", "# delta\n"), set()),
    "another order and other blanks": (put("shared/c1.txt", "\n\n-r  deep1.txt   # here\n"), set()),
    "an included file": (append("shared/c2.txt", "delta\n"), of(2)),
    "a file that an included one includes": (append("shared/deep3.txt", "delta\n"), of(3)),
    "a marker": (put("shared/deep3.txt", "gamma>=1; sys_platform == 'win32'\n"), of(3)),
    "a hash": (put("matrix.txt", f"alpha==1 --hash=sha256:{'0' * 64}\n"), MATRIX),
    "constraints": (append("limits.txt", "eta<3\n"), LIMITED),
    "an index in a file": (append("services/s4/requirements.in", "--index-url https://example.org\n"), s(4)),
    "a lock beside its source": (append("services/s9/requirements.txt", "alpha==1\n"), s(9)),
    "a new lock": (put("services/s8/requirements.txt", "alpha==1\n"), s(8)),
    "the pyproject.toml of a library": (
        append("libs/l0/pyproject.toml", "# x\n"), of(0) | {"p0"},
    ),
    "a module of a library, for its copies": (
        append("libs/l0/src/l0/__init__.py", "A = 1\n"), of(0, parity=1) | {"p0"},
    ),
    "a module of a library that projects need": (
        append("libs/l1/src/l1/__init__.py", "A = 1\n"),
        of(1, parity=1) | {"p1"} | {f"a{n}" for n in range(0, 10, 2)},
    ),
    "an archive": (put("vendored/thing-1.0.tar.gz", "other bytes"), of(0)),
    "a file deep in a library with a setup.py": (append("libs/old/inner/data.c", "int x;"), s(7)),
    "a lock": (append("pylock.p3.toml", "\n# x\n"), {"p3"}),
    "an application's module": (append("apps/a3/src/a3/__init__.py", "A = 1\n"), set()),
    "an application's dependency": (change("apps/a3/pyproject.toml", '"l1"', '"l1", "zeta"'), {"a3"}),
    "an application that is copied": (
        change("puffin.toml", "project = 'apps/a3'\n", "project = 'apps/a3'\neditable = false\n"), {"a3"},
    ),
    "a link mode": (change("puffin.toml", "'apps/a3'\n", "'apps/a3'\nlink-mode = 'copy'\n"), {"a3"}),
    "an environment more": (append("puffin.toml", "[envs.more]\nrequirements = 'matrix.txt'\npath = '.m'\n"), {"more"}),
    "a Python more": (change("puffin.toml", "'3.12']", "'3.12', '3.13']"), {"x-3.13"}),
    "an environment less": (remove("services/s3/requirements.in"), set()),
    "an environment that is moved": (change("puffin.toml", "'.envs/p3'", "'.envs/q3'"), {"p3"}),
    "a setting for all": (
        lambda puffin: puffin.file("puffin.toml", "no-binary = ['x']\n" + (puffin.cwd / "puffin.toml").read_text()),
        LIMITED | APPS | {f"p{n}" for n in range(5)},
    ),
    "lines of the configuration that move": (
        lambda puffin: puffin.file("puffin.toml", "# x\n\n" + (puffin.cwd / "puffin.toml").read_text()), set(),
    ),
    "the defaults of environments": (
        change("puffin.toml", "constraints = 'limits.txt'\n", "constraints = 'limits.txt'\ncompile-bytecode = true\n"),
        LIMITED | APPS | {f"p{n}" for n in range(5)},
    ),
    "a file that is executable": (
        lambda puffin: (puffin.cwd / "libs/l0/pyproject.toml").chmod(0o755), of(0) | {"p0"},
    ),
    "a library that is no directory any more": (
        lambda puffin: (shutil.rmtree(puffin.cwd / "libs/old"), puffin.file("libs/old", "x")), s(7),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("world", "edits", "always"),
    [(members, MEMBER_EDITS, DYNAMIC), (configured, CONFIGURED_EDITS, s(7))],
    ids=["members", "configured"],
)
def test_what_is_affected_is_what_has_another_digest(puffin, world, edits, always):
    repository(puffin)
    world(puffin)
    commit(puffin)
    git(puffin, "tag", "before")
    before = digests(puffin)
    assert len(before) == 80
    assert names(affected(puffin, "HEAD")) == set()
    wrong = {}
    for kind, (edit, expected) in edits.items():
        edit(puffin)
        dirty = names(affected(puffin, "HEAD"))
        commit(puffin)
        found = names(affected(puffin, "before"))
        now = digests(puffin)
        differ = {name for name, digest in now.items() if before.get(name) != digest}
        if not (dirty == expected and found == differ == expected | always):
            wrong[kind] = {"uncommitted": dirty, "committed": found, "differ": differ, "expected": expected}
        git(puffin, "reset", "--hard", "before")
        git(puffin, "clean", "-fdx")
    assert wrong == {}
