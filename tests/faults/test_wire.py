"""What an index can do to a sync: it fails, cheats or stalls; the environment stays the old one."""

import pytest

from tests.helpers.faults import at_rest, of_packages, temporaries
from tests.helpers.wheels import forge_wheel, hostile_wheels

WHEEL = "/files/pkg-2-py3-none-any.whl"
QUICK = {"PUFFIN_HTTP_RETRIES": "2", "PUFFIN_HTTP_TIMEOUT": "5"}


@pytest.fixture
def shop(puffin, env, index):
    """An index with ``pkg`` 1 and 2, of which 1 is installed."""
    for version in ("1", "2"):
        index.add(
            *forge_wheel(
                "pkg",
                version,
                {"pkg/__init__.py": version, "pkg/long.py": "#" + version * 9000},
                compress=False,
            )
        )
    assert puffin.sync("pkg==1\n", "-i", index.url).code == 0
    return index


def refused(puffin, env, done, code, *, before):
    assert done.code == code, done.err
    assert of_packages(env) == before
    assert at_rest(env)
    assert temporaries(puffin) == []
    assert "error: " in done.err


@pytest.mark.parametrize("faults", [["drop:4000"], ["reset"], [503], ["drop:4000", "drop:9000"]], ids=str)
def test_what_goes_wrong_once_is_tried_again(puffin, env, shop, faults):
    shop.fail(WHEEL, faults)
    done = puffin.sync("pkg==2\n", "-i", shop.url, env=QUICK)
    assert done.code == 0, done.err
    assert env.record("pkg")


@pytest.mark.parametrize(("fault", "code"), [(503, 75), ("reset", 75), (404, 1), ("garbage", 1)])
def test_what_goes_wrong_always_leaves_the_old(puffin, env, shop, fault, code):
    before = of_packages(env)
    shop.fail(WHEEL, [fault], forever=True)
    done = puffin.sync("pkg==2\n", "-i", shop.url, env=QUICK)
    refused(puffin, env, done, code, before=before)
    assert "pkg" in done.err
    shop.fail(WHEEL, ["ok"], forever=True)
    assert puffin.sync("pkg==2\n", "-i", shop.url).code == 0


def test_a_range_from_the_wrong_place_is_noticed(puffin, env, shop):
    shop.fail(WHEEL, ["drop:4000", "shift:7"])
    done = puffin.sync("pkg==2\n", "-i", shop.url, env=QUICK)
    assert done.code == 0, done.err
    assert env.record("pkg")


def test_a_wrong_hash_shows_both(puffin, env, shop):
    before = of_packages(env)
    done = puffin.sync(f"pkg==2 --hash=sha256:{'0' * 64}\n", "--require-hashes", "-i", shop.url)
    refused(puffin, env, done, 1, before=before)
    assert "0" * 64 in done.err


def test_a_link_that_climbs_out(puffin, env, shop):
    before = of_packages(env)
    page = f'<a href="{shop.root}/files/%2e%2e%2f%2e%2e%2fevil-1-py3-none-any.whl">evil-1-py3-none-any.whl</a>'
    shop.serve("/simple/evil/", page.encode())
    done = puffin.sync("evil==1\n", "-i", shop.url, env=QUICK)
    assert done.code in (1, 75)
    assert of_packages(env) == before
    assert not [path for path in puffin.root.rglob("*evil*") if "simple-v0" not in path.parts]


def test_credentials_stay_with_their_host(puffin, env, shop, tmp_path):
    from tests.helpers.index_server import IndexServer

    filename, data = forge_wheel("moved", "1")
    with IndexServer() as other:
        other.add(filename, data)
        shop.add(filename, data)
        shop.fail(
            f"/files/{filename}",
            [f"redirect:{other.file_url(filename).replace('127.0.0.1', 'localhost')}"],
            forever=True,
        )
        done = puffin.sync("moved==1\n", "-i", shop.url_with("user", "secret"), env=QUICK)
        assert done.code == 0, done.err
        assert all("authorization" not in request.headers for request in other.requests)
    assert any("authorization" in request.headers for request in shop.requests)
    assert "secret" not in done.raw_err


def test_offline_lists_all_that_is_missing(puffin, env, shop):
    before = of_packages(env)
    shop.requests.clear()
    done = puffin.sync("pkg==1\nthis==1\nthat==1\n", "-i", shop.url, "--offline")
    refused(puffin, env, done, 1, before=before)
    assert "`this`" in done.err
    assert "`that`" in done.err
    done = puffin.sync("pkg==2\n", "-i", shop.url, "--offline")
    refused(puffin, env, done, 1, before=before)
    assert "pkg" in done.err
    assert shop.requests == []


CASES = hostile_wheels()
SAMPLE = [label for label in sorted(CASES) if CASES[label][0].count("-") == 4][::9]


@pytest.mark.parametrize("case", SAMPLE)
def test_a_hostile_wheel_is_refused_at_the_door(puffin, env, shop, case):
    filename, data, _ = CASES[case]
    before = of_packages(env)
    entries = len(list(puffin.cache.glob("archive-v0/*/*")))
    (puffin.root / "links").mkdir()
    (puffin.root / "links" / filename).write_bytes(data)
    name, version = filename.split("-")[:2]
    done = puffin.sync(f"{name}=={version}\npkg==1\n", "--no-index", "--find-links", puffin.root / "links")
    refused(puffin, env, done, 1, before=before)
    assert filename in done.err
    assert len(list(puffin.cache.glob("archive-v0/*/*"))) == entries
