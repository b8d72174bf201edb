"""A remote cache: what one machine fetched, built and compiled, another one takes; and nothing that is not right."""

import json
import subprocess
import sys

import pytest

from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel

KEY = "0123456789abcdef0123456789abcdef"
SUFFIX = f".{sys.implementation.cache_tag}.pyc"
MODES = ("500", "slow", "html", "truncating", "lying", "evicting", "claiming")


def stocked(index, log, *, lines=999):
    """Add two wheels, the first with a module of so many lines, and a source whose builds are told in *log*."""
    index.add(*forge_backend())
    index.add(*forge_wheel("alpha", "1.0", {"alpha/__init__.py": "A = 1\n", "alpha/x.py": "X = 1\n" * lines}))
    index.add(*forge_wheel("beta", "1.0", {"beta.py": "B = 1\n"}))
    index.add(*forge_sdist("thing", told=log))
    return index


@pytest.fixture
def log(tmp_path):
    return tmp_path / "told"


@pytest.fixture
def shop(index, log):
    return stocked(index, log)


PINS = "alpha==1.0\nbeta==1.0\nthing==1.0\n"


class Machine:
    """A machine with a cache and an environment of its own."""

    def __init__(self, puffin, name, shop):
        self.puffin, self.name, self.shop = puffin, name, shop
        self.env = puffin.venv(name=name)

    def sync(self, url, *words, pins=PINS, key=KEY, **environ):
        self.shop.requests.clear()
        patient = {"PUFFIN_REMOTE_CACHE_TIMEOUT": "60"}  # on a busy machine too
        environ = {"PUFFIN_REMOTE_CACHE": url, "PUFFIN_REMOTE_CACHE_KEY": key, **patient, **environ}
        words = (
            "-p",
            self.name,
            "--cache-dir",
            self.puffin.root / f"cache-{self.name}",
            "-i",
            self.shop.url,
            *words,
        )
        done = self.puffin.sync(pins, *words, env=environ)
        assert done.code == 0, done.err
        room = self.puffin.root / f"cache-{self.name}" / "tmp-v0"
        assert list(room.iterdir()) == []
        return done

    @property
    def files_asked(self):
        return sorted(path for path in self.shop.paths() if path.endswith((".whl", ".tar.gz")))

    def compiled(self):
        return sorted(path.name for path in self.env.site.rglob(f"*{SUFFIX}"))


@pytest.fixture
def machines(puffin, shop):
    return lambda name: Machine(puffin, name, shop)


@pytest.mark.parametrize("executor", ["inline", "pool", "cluster"])
def test_a_second_machine_fetches_builds_and_compiles_nothing(machines, puffin, cache, log, executor):
    puffin.executor = executor
    first, second = machines("first"), machines("second")
    first.sync(cache.url, "--compile-bytecode", "--remote-cache-write")
    assert first.files_asked
    hooks = log.read_text()
    done = second.sync(cache.url, "--compile-bytecode")
    assert second.files_asked == []
    assert log.read_text() == hooks, "nothing is built"
    assert not (puffin.root / "cache-second" / "build-envs-v0").exists(), "no build environment is made"
    assert second.compiled() == first.compiled() != []
    assert "warning" not in done.err
    ran = second.env.run("-c", "import alpha, beta, thing; print(alpha.__cached__, alpha.A)", bytecode=True)
    assert ran.endswith(f"{SUFFIX} 1")
    assert second.compiled() == first.compiled(), "Python takes the bytecode as it is"


def test_without_a_key_only_what_the_index_vouches_for_is_taken(machines, cache, log):
    first, second = machines("first"), machines("second")
    first.sync(cache.url, "--compile-bytecode", "--remote-cache-write", key="")
    assert cache.names("cas") != []
    second.sync(cache.url, "--compile-bytecode", key="")
    assert second.files_asked == []
    assert log.read_text().count("wheel thing") == 2, "each machine builds what nobody vouches for"
    assert second.compiled() == first.compiled()


def test_nothing_is_uploaded_unless_it_is_asked_for(machines, cache):
    machines("first").sync(cache.url, "--compile-bytecode")
    assert cache.requests["PUT"] == 0
    assert cache.objects == {}


@pytest.mark.parametrize("methods", [("GET", "HEAD", "PUT"), ("GET",)], ids=["always", "get"])
@pytest.mark.parametrize("mode", MODES)
def test_a_cache_that_misbehaves_costs_a_line_and_no_wrong_byte(machines, cache, mode, methods):
    machines("first").sync(cache.url, "--compile-bytecode", "--remote-cache-write")
    cache.mode, cache.misbehaves, cache.delay = mode, methods, 3.0
    cache.requests.clear()
    second = machines("second")
    done = second.sync(cache.url, "--compile-bytecode", PUFFIN_REMOTE_CACHE_TIMEOUT="0.5")
    assert second.env.installed() == {"alpha": "1.0", "beta": "1.0", "thing": "1.0"}
    second.env.run("-c", "import alpha.x, beta, thing; assert (alpha.A, beta.B) == (1, 1)")
    said = [line for line in done.err.splitlines() if line.startswith("warning")]
    quiet = mode in ("evicting", "claiming") and (mode == "evicting" or "HEAD" not in methods)
    assert len(said) == (not quiet), done.err
    assert not said or cache.url in said[0]
    assert "not used any more in this run" in "".join(said) or quiet


def test_the_index_serves_until_the_cache_has_answered(machines, puffin, cache):
    machines("first").sync(cache.url, "--remote-cache-write")
    cache.mode, cache.delay = "slow", 30.0
    cache.requests.clear()
    second = machines("second")
    done = second.sync(cache.url, PUFFIN_REMOTE_CACHE_TIMEOUT="")
    assert second.env.installed() == {"alpha": "1.0", "beta": "1.0", "thing": "1.0"}
    assert cache.requests == {"HEAD": 1}, "nothing is asked of a cache that is silent"
    assert done.err.count("is not used any more in this run") == 1
    shown = puffin("profile", "show", "--json", "--cache-dir", puffin.root / "cache-second")
    told = {each["layer"]: each["misses"] for each in json.loads(shown.out)[0].get("remote_cache", [])}
    assert told["wheels"].keys() == {"silent"}


@pytest.mark.parametrize("mode", ["hanging", "stalling"])
@pytest.mark.parametrize("executor", ["inline", "pool"])
def test_the_index_serves_after_the_cache_fell_silent(machines, puffin, cache, executor, mode):
    puffin.executor = executor
    machines("first").sync(
        cache.url, "--compile-bytecode", "--remote-cache-write", pins="alpha==1.0\nbeta==1.0\n"
    )
    cache.mode, cache.misbehaves = mode, ("GET",)
    second = machines("second")
    done = second.sync(
        cache.url, "--compile-bytecode", pins="alpha==1.0\nbeta==1.0\n", PUFFIN_REMOTE_CACHE_TIMEOUT=""
    )
    assert second.env.installed() == {"alpha": "1.0", "beta": "1.0"}
    assert len(second.files_asked) == 2
    assert done.err.count("is not used any more in this run") <= 1
    shown = puffin("profile", "show", "--json", "--cache-dir", puffin.root / "cache-second")
    told = {each["layer"]: each["misses"].keys() for each in json.loads(shown.out)[0]["remote_cache"]}
    assert told["wheels"] | told["bytecode"] <= {"silent", "unavailable"}


def test_a_run_waits_for_a_first_answer_before_it_builds(machines, cache, log):
    machines("first").sync(cache.url, "--remote-cache-write")
    hooks = log.read_text()
    cache.mode, cache.delay = "slow", 0.3  # more than files would be worth
    second = machines("second")
    second.sync(cache.url, pins="thing==1.0\n", PUFFIN_REMOTE_CACHE_TIMEOUT="")
    assert second.env.installed() == {"thing": "1.0"}
    assert log.read_text() == hooks, "nothing is built"


def test_a_cache_that_is_dead_costs_a_line(machines):
    first = machines("first")
    done = first.sync("http://127.0.0.1:9", "--remote-cache-write")
    assert (
        done.err.count("warning: The remote cache `http://127.0.0.1:9` is not used any more in this run") == 1
    )
    assert first.env.installed() == {"alpha": "1.0", "beta": "1.0", "thing": "1.0"}


def test_a_full_cache_is_read_and_fails_no_run(machines, cache):
    machines("first").sync(cache.url, "--remote-cache-write", pins="alpha==1.0\n")
    cache.mode, cache.misbehaves = "full", ("PUT",)
    second = machines("second")
    done = second.sync(cache.url, "--remote-cache-write")
    assert [path for path in second.files_asked if "alpha" in path] == []
    assert done.err.count("it takes no uploads (the server answered 507") == 1


def test_credentials_are_sent_and_masked(machines, puffin, cache):
    cache.auth = ("user", "s3cret")
    url = cache.url.replace("://", "://user:s3cret@")
    done = machines("first").sync(url, "--remote-cache-write", "-v")
    assert cache.names("cas")
    second = machines("second")
    done = second.sync(url.replace("s3cret", "wr0ng"), "-v")
    assert "http://****@127.0.0.1" in done.err
    records = list(puffin.root.glob("cache-*/runs-v0/*.jsonl"))
    for text in (done.err, *[path.read_text() for path in records]):
        assert "s3cret" not in text
        assert "wr0ng" not in text
    netrc = puffin.file("netrc", "machine 127.0.0.1 login user password s3cret\n")
    third = machines("third")
    third.sync(cache.url, NETRC=str(netrc), pins="alpha==1.0\n")
    assert third.files_asked == []


def test_entries_of_another_scope_are_not_taken(machines, cache, log):
    machines("first").sync(cache.url, "--remote-cache-write", "--remote-cache-scope", "pr-1,main")
    machines("second").sync(cache.url)
    assert log.read_text().count("wheel thing") == 2
    machines("third").sync(cache.url, "--remote-cache-scope", "pr-2,pr-1")
    assert log.read_text().count("wheel thing") == 2


def test_a_directory_serves(machines, puffin, log):
    url = f"file://{puffin.root / 'shared'}"
    first, second = machines("first"), machines("second")
    first.sync(url, "--compile-bytecode", "--remote-cache-write")
    second.sync(url, "--compile-bytecode")
    assert second.files_asked == []
    assert second.compiled() == first.compiled()
    assert log.read_text().count("wheel thing") == 1


@pytest.mark.parametrize(
    ("words", "environ", "said"),
    [
        (("--remote-cache", "ftp://x/y"), {}, "`ftp://x/y` is not the URL of a remote cache"),
        (("--remote-cache-write",), {}, "`--remote-cache-write` needs a remote cache"),
        (("--remote-cache", "http://x", "--remote-cache-scope", "\n"), {}, ""),
        (
            ("--remote-cache", "http://x"),
            {"PUFFIN_REMOTE_CACHE_TIMEOUT": "no"},
            "is not a number of seconds above 0",
        ),
        (("--remote-cache", "http://x"), {"PUFFIN_REMOTE_CACHE_KEY": "short"}, "has fewer than 16 characters"),
    ],
)
def test_wrong_settings_are_errors_of_usage(puffin, env, shop, words, environ, said):
    done = puffin.sync("alpha==1.0\n", "-i", shop.url, *words, env=environ)
    assert (done.code, said in done.err) == (2 if said else 0, True), done.err


def test_it_is_configured_by_a_file(machines, puffin, cache):
    puffin.file("puffin.toml", f'remote-cache = "{cache.url}"\n')
    machines("first").sync("", PUFFIN_REMOTE_CACHE_WRITE="1")
    assert cache.names("cas")


def test_a_file_cannot_have_anything_uploaded(puffin, env, cache):
    puffin.file("puffin.toml", f'remote-cache = "{cache.url}"\nremote-cache-write = true\n')
    done = puffin.sync("")
    assert (done.code, "the setting `remote-cache-write` is unknown" in done.err) == (2, True), done.err


def test_the_profile_and_the_report_count_what_it_gave(machines, puffin, cache):
    first, second = machines("first"), machines("second")
    first.sync(cache.url, "--compile-bytecode", "--remote-cache-write")
    second.sync(cache.url, "--compile-bytecode")
    rows = {}
    for name in ("first", "second"):
        shown = puffin("profile", "show", "--json", "--cache-dir", puffin.root / f"cache-{name}")
        rows[name] = {each["layer"]: each for each in json.loads(shown.out)[0]["remote_cache"]}
    assert {layer: (each["hits"], each["misses"]) for layer, each in rows["first"].items()} == {
        "wheels": (0, {"absent": 3}),
        "sources": (0, {"absent": 1}),
        "builds": (0, {"absent": 1}),
        "bytecode": (0, {"absent": 3}),
        "lists": (0, {"absent": 1}),
        "uploads": (9, {}),
    }
    assert {layer: (each["hits"], each["misses"]) for layer, each in rows["second"].items()} == {
        "wheels": (2, {}),
        "builds": (1, {}),
        "bytecode": (3, {}),
    }
    assert all(each["bytes"] > 0 for each in rows["second"].values())
    shown = puffin("profile", "show", "--cache-dir", puffin.root / "cache-second")
    assert "Served by the remote cache" in shown.out
    puffin.file(
        "puffin.toml",
        f'index-url = "{first.shop.url}"\n[envs.third]\npath = "third"\nrequirements = ["requirements.txt"]\n',
    )
    words = ("sync", "--report", "report.json", "--cache-dir", puffin.root / "cache-third")
    patient = {"PUFFIN_REMOTE_CACHE_TIMEOUT": "60"}
    done = puffin(*words, env={"PUFFIN_REMOTE_CACHE": cache.url, "PUFFIN_REMOTE_CACHE_KEY": KEY, **patient})
    assert done.code == 0, done.err
    remote = json.loads((puffin.cwd / "report.json").read_text())["remote"]
    assert {layer: (each["hit"], each["miss"]) for layer, each in remote.items()} == {
        "wheels": (2, {}),
        "builds": (1, {}),
    }


def test_without_a_remote_cache_nothing_of_it_is_imported(puffin, env, shop):
    puffin.file("requirements.txt", "alpha==1.0\nbeta==1.0\n")
    code = (
        "import sys\nfrom puffin.cli.entry import main\n"
        f"words = ['pip', 'sync', 'requirements.txt', '-i', {shop.url!r}, '--executor', 'inline']\n"
        "try: main(words)\nexcept SystemExit as end: assert not end.code, end\n"
        "found = [name for name in sys.modules if name.startswith(('puffin.stages.remote', 'fsspec', 'crypto'))]\n"
        "assert not found, found\n"
        "assert not {'puffin.pipeline.change.remote', 'puffin.pipeline.tasks.remote'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=puffin.cwd, env=puffin.environ(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_size_of_a_remote_cache(machines, puffin, cache):
    url = f"file://{puffin.root / 'shared'}"
    machines("first").sync(url, "--remote-cache-write")
    size = sum(path.stat().st_size for path in (puffin.root / "shared").rglob("*") if path.is_file())
    assert puffin("cache", "size", "--remote", "--remote-cache", url).out == f"{size}\n"
    cache.objects["/status"] = b'{"CurrSize": 1234, "NumFiles": 2}'
    assert puffin("cache", "size", "--remote", "--remote-cache", cache.url).out == "1234\n"
    cache.objects.clear()
    done = puffin("cache", "size", "--remote", "--remote-cache", cache.url)
    assert (done.code, "it does not report its size" in done.err) == (1, True), done.err


def test_a_resolution_takes_metadata_from_a_wheel_that_was_built_elsewhere(machines, puffin, shop, cache, log):
    shop.add(*forge_sdist("user", requires=["thing"], needs=["toy"], told=log))
    first, second = machines("first"), machines("second")
    for machine, words in ((first, ["--remote-cache-write"]), (second, [])):
        words = [
            "-p",
            machine.name,
            "--cache-dir",
            puffin.root / f"cache-{machine.name}",
            "-i",
            shop.url,
            *words,
        ]
        environ = {
            "PUFFIN_REMOTE_CACHE": cache.url,
            "PUFFIN_REMOTE_CACHE_KEY": KEY,
            "PUFFIN_REMOTE_CACHE_TIMEOUT": "60",
        }
        done = puffin("pip", "install", "user", *words, env=environ)
        assert done.code == 0, done.err
        assert machine.env.installed() == {"thing": "1.0", "user": "1.0"}
        hooks = [line.rsplit(" ", 1)[0] for line in log.read_text().splitlines()]
    assert sorted(line for line in hooks if line.startswith("wheel")) == ["wheel thing", "wheel user"]


def test_a_cache_that_is_dead_costs_one_line_for_a_resolution_and_an_installation(machines, puffin, shop, log):
    shop.add(*forge_sdist("user", requires=["thing"], needs=["toy"], told=log))
    first = machines("first")
    words = ("-p", "first", "--cache-dir", puffin.root / "cache-first", "-i", shop.url)
    dead = {"PUFFIN_REMOTE_CACHE": "http://127.0.0.1:9", "PUFFIN_REMOTE_CACHE_KEY": KEY}
    done = puffin("pip", "install", "user", *words, env=dead)
    assert (done.code, done.err.count("is not used any more in this run")) == (0, 1), done.err
    assert first.env.installed() == {"thing": "1.0", "user": "1.0"}
    assert list((puffin.root / "cache-first" / "tmp-v0").iterdir()) == []


@pytest.mark.parametrize("command", ["compile", "lock"])
def test_a_lock_takes_metadata_from_a_wheel_that_was_built_elsewhere(
    machines, puffin, shop, cache, log, command
):
    machines("first").sync(cache.url, "--remote-cache-write")
    hooks = log.read_text()
    puffin.file("web.in", "thing\n")
    puffin.file("puffin.toml", '[envs.second]\npath = "second"\nrequirements = ["web.in"]\n')
    given = ("pip", "compile", "web.in", "-o", "web.txt") if command == "compile" else ("lock",)
    words = ("--cache-dir", puffin.root / "cache-second", "-i", shop.url, "--remote-cache", cache.url)
    done = puffin(*given, *words, env={"PUFFIN_REMOTE_CACHE_KEY": KEY, "PUFFIN_REMOTE_CACHE_TIMEOUT": "60"})
    assert done.code == 0, done.err
    made = (puffin.cwd / "web.txt").read_text()
    assert "thing==1.0" in made
    assert cache.url not in made
    assert log.read_text() == hooks, "nothing is built"
    dead = {"PUFFIN_REMOTE_CACHE_KEY": KEY}
    words = ("--cache-dir", puffin.root / "cache-third", "-i", shop.url, "--remote-cache", "http://127.0.0.1:9")
    done = puffin(*given, *words, env=dead)
    assert (done.code, done.err.count("is not used any more in this run")) == (0, 1), done.err


@pytest.mark.parametrize("words", [("pip", "compile"), ("lock",), ("pip", "install", "-r")], ids=" ".join)
def test_a_resolution_asks_nothing_of_a_cache_that_is_silent(puffin, shop, cache, log, words):
    cache.mode, cache.delay = "slow", 30.0
    # A first answer is asked for once, by a resolution and a change together.
    shop.add(*forge_sdist("other", requires=["thing"], told=log))
    puffin.venv()
    puffin.file("web.in", "other\n")
    environ = {"PUFFIN_REMOTE_CACHE": cache.url, "PUFFIN_REMOTE_CACHE_KEY": KEY}
    done = puffin(*words, "web.in", "-i", shop.url, env=environ)
    assert done.code == 0, done.err
    assert cache.requests == {"HEAD": 1}
    assert done.err.count("is not used any more in this run") == 1


def test_configuration_counts_for_commands_on_the_cache(puffin, tmp_path):
    (tmp_path / "remote").mkdir()
    puffin.file("puffin.toml", f'remote-cache = "file://{tmp_path}/remote"\n')
    done = puffin("cache", "size", "--remote")
    assert (done.code, done.out) == (0, "0\n"), done.err
    assert puffin("cache", "size", "--remote", "--no-config").code == 2
    puffin.venv()
    done = puffin("cache", "push", env={"PUFFIN_REMOTE_CACHE_KEY": "k" * 32})
    assert (done.code, "Uploaded 0 objects" in done.err) == (0, True), done.err
