"""``puffin cache push`` and ``pull``: a machine stores what it has, and takes what its environments need."""

import hashlib
import json

import pytest

from tests.functional.test_remote_cache import KEY, Machine, stocked
from tests.helpers.repositories import Repository
from tests.helpers.sdists import project_files, write_project
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def log(tmp_path):
    return tmp_path / "told"


@pytest.fixture
def shop(index, log):
    return stocked(index, log)


@pytest.fixture
def machines(puffin, shop):
    return lambda name: Machine(puffin, name, shop)


@pytest.fixture
def pushed(puffin, cache):
    """Push what the cache of the first machine has."""
    words = ("cache", "push", "--remote-cache", cache.url, "--cache-dir", puffin.root / "cache-first")

    def push(*more):
        done = puffin(*words, *more, env={"PUFFIN_REMOTE_CACHE_KEY": KEY})
        assert done.code == 0, done.err
        return done

    return push


def _source(tmp_path, kind, log):
    """Return a pin of a directory, of the same made editable, or of a repository."""
    if kind == "repository":
        repository = Repository(tmp_path / "repository")
        repository.commit(project_files("made", told=log))
        return f"made @ {repository.url}\n"
    directory = write_project(tmp_path / "made", "made", told=log)
    return f"{'-e ' if kind == 'editable' else ''}{directory}\n"


@pytest.mark.parametrize("how", ["sync", "push"])
@pytest.mark.parametrize("kind", ["directory", "repository"])
def test_builds_of_directories_and_repositories_are_shared(machines, pushed, cache, log, tmp_path, kind, how):
    pins, first, second = _source(tmp_path, kind, log), machines("first"), machines("second")
    first.sync(
        cache.url if how == "sync" else "", *(["--remote-cache-write"] if how == "sync" else []), pins=pins
    )
    if how == "push":
        pushed()
    second.sync(cache.url, pins=pins)
    assert log.read_text().count("wheel made") == 1
    if kind == "directory":
        toy = tmp_path / "made" / "toy.json"
        toy.write_text(toy.read_text().replace('"1.0"', '"1.1"'))
        machines("third").sync(cache.url, pins=pins)
        assert log.read_text().count("wheel made") == 2, "another content is another build"


@pytest.mark.parametrize("how", ["sync", "push"])
@pytest.mark.parametrize("kind", ["editable", "without isolation"])
def test_builds_that_depend_on_one_machine_are_not_shared(
    machines, puffin, shop, pushed, cache, log, tmp_path, kind, how
):
    first, words = machines("first"), ["--remote-cache-write"] if how == "sync" else []
    pins = _source(tmp_path, kind, log) if kind == "editable" else "toy==1.0\nthing==1.0\n"
    words += ["--no-build-isolation-package", "thing"] if kind == "without isolation" else []
    first.sync(cache.url if how == "sync" else "", *words, pins=pins)
    if how == "push":
        pushed()
    built = list((puffin.root / "cache-first" / "built-wheels-v0").rglob("*.whl"))
    assert built, "it was built"
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in built}
    assert hashes.isdisjoint(cache.names("cas"))


def test_a_machine_pushes_what_it_has(machines, puffin, cache, log):
    first, second = machines("first"), machines("second")
    assert first.sync("", "--compile-bytecode").code == 0
    words = ("cache", "push", "--remote-cache", cache.url, "--cache-dir", puffin.root / "cache-first")
    done = puffin(*words, env={"PUFFIN_REMOTE_CACHE_KEY": KEY})
    assert (done.code, done.err.split(" (")[0]) == (0, "Uploaded 6 objects"), done.err
    second.sync(cache.url, "--compile-bytecode")
    assert [path for path in second.files_asked if "toy" not in path] == []
    assert second.compiled() == first.compiled()
    assert log.read_text().count("wheel thing") == 1
    done = puffin(*words, env={"PUFFIN_REMOTE_CACHE_KEY": KEY})
    assert "Uploaded 0 objects" in done.err


def test_a_machine_pushes_what_an_environment_has(machines, puffin, cache):
    first, other = machines("first"), machines("other")
    first.sync("", pins="alpha==1.0\n")
    words = ("-p", "other", "--cache-dir", puffin.root / "cache-first", "-i", first.shop.url)
    assert puffin.sync("beta==1.0\n", *words).code == 0
    words = ("cache", "push", "--remote-cache", cache.url, "--cache-dir", puffin.root / "cache-first")
    done = puffin(*words, other.env.root)
    assert (done.code, "Uploaded 1 object " in done.err) == (0, True), done.err
    assert len(cache.names("cas")) == 1
    done = puffin(*words, "nowhere")
    assert (done.code, "is not an environment that puffin filled" in done.err) == (2, True), done.err


def test_what_cannot_be_pushed_is_an_error(machines, puffin, cache):
    machines("first").sync("")
    cache.mode, cache.misbehaves = "full", ("PUT",)
    words = ("cache", "push", "--cache-dir", puffin.root / "cache-first")
    done = puffin(*words, "--remote-cache", cache.url)
    assert (done.code, f"Failed to fill the remote cache `{cache.url}`" in done.err) == (1, True), done.err
    done = puffin(*words)
    assert (done.code, "No remote cache was given" in done.err) == (2, True), done.err


@pytest.fixture
def pull(puffin, shop):
    """Pull into the cache of a machine what the environment `web` needs."""
    table = f'index-url = "{shop.url}"\n[envs.web]\npath = "web"\nrequirements = ["web.txt"]\n'
    puffin.file("puffin.toml", table)
    puffin.file("web.txt", "alpha==1.0\nbeta==1.0\nthing==1.0\n")

    def pulled(name, url, *words, key=KEY, patience="60"):
        shop.requests.clear()
        words = ("--cache-dir", puffin.root / f"cache-{name}", "--remote-cache", url, *words)
        environ = {"PUFFIN_REMOTE_CACHE_KEY": key, "PUFFIN_REMOTE_CACHE_TIMEOUT": patience}
        return puffin("cache", "pull", *words, env=environ)

    return pulled


def test_a_machine_pulls_what_an_environment_needs(machines, puffin, cache, log, pull):
    first = machines("first")
    first.sync(cache.url, "--compile-bytecode", "--remote-cache-write")
    done = pull("second", cache.url, "web", "--compile-bytecode")
    assert (done.code, done.err.split(" (")[0]) == (0, "Took 6 objects"), done.err
    assert "for 1 environment" in done.err
    assert "not in the remote cache" not in done.err
    assert not (puffin.cwd / "web").exists(), "no environment is made"
    assert first.files_asked == []
    cache.requests.clear()
    second = machines("second")
    second.sync("", "--compile-bytecode")
    assert second.files_asked == []
    assert log.read_text().count("wheel thing") == 1
    assert second.compiled() == first.compiled() != []
    assert not cache.requests
    done = pull("second", cache.url, "--compile-bytecode")
    assert "Took 0 objects" in done.err


def test_what_the_remote_cache_lacks_is_neither_fetched_nor_built(machines, cache, log, pull):
    machines("first").sync(cache.url, "--remote-cache-write", pins="alpha==1.0\n")
    second = machines("second")
    done = pull("second", cache.url)
    assert (done.code, "Took 1 object " in done.err) == (0, True), done.err
    assert "2 packages not in the remote cache" in done.err
    assert second.files_asked == []
    assert not log.exists()


def test_what_nothing_proves_is_not_asked_for(puffin, shop, cache, pull):
    shop.add(*forge_wheel("gamma", "1.0", {"gamma.py": ""}), hashes=False)
    puffin.file("web.txt", "alpha==1.0\ngamma==1.0\nthing==1.0\n")
    for key, said in (
        ("", "; 1 package not in the remote cache; 2 packages not asked for, as no SHA-256 or key proves them"),
        (
            KEY,
            "; 2 packages not in the remote cache; 1 package not asked for, as no SHA-256 or key proves them",
        ),
    ):
        done = pull(f"key-{key}", cache.url, key=key)
        assert done.err.rstrip("\n").endswith(said), done.err


def test_what_goes_while_it_is_pulled_is_not_fetched_from_the_index(machines, cache, pull):
    machines("first").sync(cache.url, "--remote-cache-write", pins="alpha==1.0\nbeta==1.0\n")
    cache.mode, second = "evicting", machines("second")
    done = pull("second", cache.url)
    assert (done.code, "3 packages not in the remote cache" in done.err) == (0, True), done.err
    assert second.files_asked == []


def test_a_remote_cache_that_does_not_answer_fails_a_pull(cache, pull):
    cache.mode, cache.delay = "slow", 30.0
    done = pull("first", cache.url, patience="0.5")
    assert (done.code, f"Failed to read the remote cache `{cache.url}`" in done.err) == (1, True), done.err


def test_a_remote_cache_that_cannot_be_read_fails_a_pull(puffin, cache, pull):
    cache.mode = "500"
    done = pull("first", cache.url)
    assert (done.code, f"Failed to read the remote cache `{cache.url}`" in done.err) == (1, True), done.err
    done = puffin("cache", "pull")
    assert (done.code, "No remote cache was given" in done.err) == (2, True), done.err
    done = pull("first", cache.url, "nowhere")
    assert done.code == 2, done.err


def _pages(shop, name):
    return [path for path in shop.paths() if path.rstrip("/").endswith(f"/{name}")]


def test_a_second_machine_gets_a_build_environment_as_a_list(machines, puffin, shop, cache, log, tmp_path):
    first, second, third = machines("first"), machines("second"), machines("third")
    pins = f"{write_project(tmp_path / 'made', 'made', told=log)}\n"
    first.sync(cache.url, "--remote-cache-write", pins=pins)
    assert _pages(shop, "toy")
    (tmp_path / "made" / "more.txt").write_text("so that it has to be built again\n")
    second.sync(cache.url, pins=pins)
    assert log.read_text().count("wheel made") == 2
    assert _pages(shop, "toy") == []
    assert second.files_asked == []
    third.sync(cache.url, "--refresh", pins=pins)
    assert _pages(shop, "toy"), "who asks for the index gets it"
    shown = puffin("profile", "show", "--json", "--cache-dir", puffin.root / "cache-second")
    rows = {each["layer"]: each for each in json.loads(shown.out)[0]["remote_cache"]}
    assert rows["lists"]["hits"] == 1, "the build has the list of the resolution before it"
    assert rows["lists"]["misses"] == {}


def test_without_a_key_there_are_no_lists(machines, shop, cache, log, tmp_path):
    first, second = machines("first"), machines("second")
    pins = f"{write_project(tmp_path / 'made', 'made', told=log)}\n"
    first.sync(cache.url, "--remote-cache-write", pins=pins, key="")
    second.sync(cache.url, pins=pins, key="")
    assert _pages(shop, "toy")


@pytest.mark.parametrize(
    "words", [["pip", "install", "--dry-run"], ["pip", "install", "nothing==1.0"]], ids=str
)
def test_a_resolution_leaves_nothing_in_the_cache_if_nothing_is_installed(
    puffin, shop, cache, log, tmp_path, words
):
    directory, root = write_project(tmp_path / "made", "made", told=log), puffin.root / "cache-first"
    puffin.venv(name="first")
    words = [*words, directory, "-p", "first", "--cache-dir", root, "-i", shop.url, "--remote-cache-write"]
    environ = {"PUFFIN_REMOTE_CACHE": cache.url, "PUFFIN_REMOTE_CACHE_KEY": KEY}
    done = puffin(*words, env=environ)
    assert done.code == (0 if "--dry-run" in words else 1), done.err
    assert "metadata made" in log.read_text()
    assert list((root / "tmp-v0").iterdir()) == []


@pytest.mark.parametrize("inherited", [False, True], ids=["own", "of-the-workspace"])
def test_a_build_goes_by_its_local_build_requirements_and_is_not_shared(
    machines, cache, log, tmp_path, inherited
):
    helper = write_project(tmp_path / "helper", "helper", told=log)
    made = write_project(tmp_path / "root" / "made", "made", needs=("toy", "helper"), told=log)
    if inherited:
        root = '[tool.uv.workspace]\nmembers = ["made"]\n[tool.uv.sources]\nhelper = { path = "../helper" }\n'
        (tmp_path / "root" / "pyproject.toml").write_text(root)
    more = '[project]\nname = "made"\nversion = "1.0"\n'
    if not inherited:
        more += '[tool.uv.sources]\nhelper = { path = "../../helper" }\n'
    with open(made / "pyproject.toml", "a") as file:
        file.write(more)
    first = machines("first")
    first.sync(cache.url, "--remote-cache-write", pins=f"{made}\n")
    machines("second").sync(cache.url, pins=f"{made}\n")
    assert log.read_text().count("wheel made") == 2, "it is not shared"
    for count in (2, 3):
        first.sync("", "--allow-empty-requirements", pins="")
        first.sync("", pins=f"{made}\n")
        assert log.read_text().count("wheel made") == count
        (helper / "more.txt").write_text("another state\n")
