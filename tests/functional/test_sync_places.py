"""Where wheels come from: indexes of all kinds, find-links, URLs, local files, and nowhere when offline."""

import hashlib
import json
import os

import pytest

from tests.helpers.cli import checked, lines, told
from tests.helpers.index_server import IndexServer
from tests.helpers.wheels import forge_wheel

ALPHA = told("+ alpha==1.0", pins=1, prepared=1, installed=1)


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("mode", ["auto", "html", "json"])
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("hashes", [False, True])
def test_kinds_of_index_pages(puffin, env, mode, relative, hashes):
    with IndexServer(mode=mode, relative=relative) as index:
        index.add(*forge_wheel("alpha", "1.0"), hashes=hashes)
        assert puffin.sync("alpha==1.0\n", "-i", index.url).err == ALPHA
        assert puffin.sync(None, "-i", index.url + "/").err == checked(1)


def test_an_index_with_md5_alone(puffin, env, index):
    filename, data = forge_wheel("alpha", "1.0")
    url = index.add(filename, data)
    md5 = hashlib.md5(data).hexdigest()
    index.serve("/simple/alpha/", f'<a href="{url}#md5={md5}">{filename}</a>'.encode())
    assert puffin.sync("alpha==1.0\n", "-i", index.url).err == ALPHA
    index.serve("/simple/alpha/", f'<a href="{url}#md5={"0" * 32}">{filename}</a>'.encode())
    done = puffin.sync(None, "-i", index.url, "--refresh", "--reinstall")
    assert done.code == 1
    assert f"\n        md5:{md5}\n" in done.err


def test_an_index_in_a_directory(puffin, env):
    filename, data = forge_wheel("alpha", "1.0")
    puffin.file(f"simple/alpha/{filename}", data)
    puffin.file("simple/alpha/index.html", f'<a href="{filename}#sha256={_sha256(data)}">{filename}</a>')
    url = (puffin.cwd / "simple").as_uri()
    assert puffin.sync("alpha==1.0\n", "-i", url).err == ALPHA
    assert puffin.sync("--index-url " + url + "\nalpha==1.0\n").err == checked(1)


def test_find_links_directories_and_pages(puffin, env, index):
    filename, data = forge_wheel("alpha", "1.0")
    puffin.file(f"wheels/{filename}", data)
    assert puffin.sync("alpha==1.0\n", "--no-index", "-f", "wheels").err == ALPHA
    puffin("pip", "uninstall", "alpha")
    puffin.file("page/links.html", f'<A HREF="../wheels/{filename}">{filename}</A>')
    page = (puffin.cwd / "page/links.html").as_uri()
    done = puffin.sync(f"--no-index\n--find-links {page}\nalpha==1.0\n")
    assert (done.code, env.installed()) == (0, {"alpha": "1.0"}), done.err
    index.add(*forge_wheel("beta", "1.0"))
    done = puffin.sync("alpha==1.0\nbeta==1.0\n", "--no-index", "-f", "wheels", "-f", index.links)
    assert done.err == told("+ beta==1.0", pins=2, prepared=1, installed=1)


def test_a_replaced_file_of_find_links_is_seen(puffin, env):
    puffin.file(*forge_wheel("alpha", "1.0", {"alpha.py": "A = 1"}))
    puffin.sync("alpha==1.0\n", "--no-index", "-f", ".")
    puffin.file(*forge_wheel("alpha", "1.0", {"alpha.py": "A = 22"}))
    puffin.sync(None, "--no-index", "-f", ".", "--reinstall")
    assert (env.site / "alpha.py").read_text() == "A = 22"


def test_a_missing_find_links_place(puffin, env):
    done = puffin.sync("alpha==1.0\n", "--no-index", "-f", "nodir")
    assert done.code == 2
    assert done.err == lines(
        "error: Failed to read the find-links place `[TMP]/here/nodir`",
        "  ╰─▶ No such file or directory (`[TMP]/here/nodir`)",
        "",
        "hint: check the path",
    )


def test_no_place_at_all(puffin, env):
    done = puffin.sync("alpha==1.0\n", "--no-index")
    assert done.code == 1
    assert "Failed to find `alpha==1.0`: no index and no find-links place is given" in done.err
    assert "spelling" not in done.err


def test_the_first_index_that_has_a_name_is_the_only_one_asked(puffin, env, index):
    filename, data = forge_wheel("alpha", "1.0", {"alpha.py": "A = 'public'"})
    index.add(filename, data)
    index.add(*forge_wheel("alpha", "2.0"))
    index.add(*forge_wheel("beta", "1.0"))
    with IndexServer() as private:
        puffin.names[private.root] = "[PRIVATE]"
        private.add(*forge_wheel("alpha", "1.0", {"alpha.py": "A = 'private'"}))
        both = ("-i", index.url, "--extra-index-url", private.url)
        done = puffin.sync("alpha==1.0\nbeta==1.0\n", *both)
        assert done.code == 0, done.err
        assert (env.site / "alpha.py").read_text() == "A = 'private'"
        assert index.count(f"/files/{filename}") == 0
        done = puffin.sync("alpha==2.0\n", *both)
    assert done.code == 1
    assert "`[PRIVATE]/simple` does not have this version" in done.err
    assert "hint: `[INDEX]/simple` has it, but `[PRIVATE]/simple` comes first" in done.err


def test_a_yanked_version_is_installed_with_a_warning(puffin, env, index):
    index.add(*forge_wheel("alpha", "1.0"), yanked="broken on Tuesdays")
    done = puffin.sync("alpha==1.0\n", "-i", index.url)
    assert done.code == 0
    assert done.err == "warning: `alpha==1.0` is yanked (reason: broken on Tuesdays)\n" + ALPHA
    other = puffin.venv(name="other")
    done = puffin.sync(None, "-i", index.url, "-p", other.root)
    assert done.err.startswith("warning: `alpha==1.0` is yanked (reason: broken on Tuesdays)\n"), (
        "also when warm"
    )


def test_a_wheel_by_url(puffin, env, index):
    filename, data = forge_wheel("alpha", "1.0")
    url = index.add(filename, data)
    place = f"[INDEX]/files/{filename}"
    done = puffin.sync(f"alpha @ {url}\n")
    assert done.err == told(f"+ alpha==1.0 (from {place})", pins=1, prepared=1, installed=1)
    sha256 = _sha256(data)
    assert json.loads((env.info("alpha") / "direct_url.json").read_text()) == {
        "url": url,
        "archive_info": {"hash": f"sha256={sha256}", "hashes": {"sha256": sha256}},
    }
    assert "alpha-1.0.dist-info/direct_url.json" in env.record("alpha")
    assert puffin.sync(None).err == checked(1)
    frozen = puffin("pip", "freeze")
    assert frozen.out == f"alpha @ {place}#sha256={sha256}\n"
    assert puffin.sync(frozen.raw_out).err == checked(1), "what freeze prints is what is there"
    done = puffin.sync(f"alpha @ {url}#sha256={'0' * 64}\n")
    assert done.code == 1
    assert "Hash mismatch" in done.err
    index.add(filename, data)
    assert puffin.sync("alpha==1.0\n", "-i", index.url).err == told(
        f"- alpha==1.0 (from {place})", "+ alpha==1.0", pins=1, uninstalled=1, installed=1
    )
    assert not (env.info("alpha") / "direct_url.json").exists()


def test_credentials_of_a_url_are_not_recorded(puffin, env, index):
    filename, data = forge_wheel("alpha", "1.0")
    url = index.add(filename, data).replace("://", "://user:s3cret@")
    index.auth = ("user", "s3cret")
    done = puffin.sync(f"alpha @ {url}\n")
    assert done.code == 0, done.err
    assert "s3cret" not in done.raw_err
    assert "s3cret" not in (env.info("alpha") / "direct_url.json").read_text()
    assert puffin.sync(None).err == checked(1)


def test_a_changed_remote_file_is_seen_on_refresh(puffin, env, index):
    filename, data = forge_wheel("alpha", "1.0", {"alpha.py": "A = 1"})
    url = index.add(filename, data)
    puffin.sync(f"alpha @ {url}\n")
    index.add(*forge_wheel("alpha", "1.0", {"alpha.py": "A = 22"}))
    assert puffin.sync(None).err == checked(1)
    assert puffin.sync(None, "--refresh-package", "alpha").code == 0
    assert (env.site / "alpha.py").read_text() == "A = 22"


@pytest.mark.parametrize("form", ["./{}", "{}", "alpha @ ./{}", "alpha @ {uri}", "{uri}"])
def test_a_local_wheel(puffin, env, form):
    filename, data = forge_wheel("alpha", "1.0", {"alpha.py": "A = 1"})
    path = puffin.file(filename, data)
    text = form.format(filename, uri=path.as_uri()) + "\n"
    change = f"alpha==1.0 (from file://[TMP]/here/{filename})"
    assert puffin.sync(text).err == told(f"+ {change}", pins=1, prepared=1, installed=1)
    recorded = json.loads((env.info("alpha") / "direct_url.json").read_text())
    assert recorded["url"] == path.as_uri()
    assert recorded["archive_info"]["hashes"] == {"sha256": _sha256(data)}
    assert puffin.sync(None).err == checked(1)
    path.write_bytes(forge_wheel("alpha", "1.0", {"alpha.py": "A = 22"})[1])
    assert puffin.sync(None).err == told(f"~ {change}", pins=1, prepared=1, uninstalled=1, installed=1)
    assert (env.site / "alpha.py").read_text() == "A = 22"
    assert puffin.sync(None).err == checked(1)
    path.unlink()
    done = puffin.sync(None)
    assert done.code != 0
    assert filename in done.err
    assert env.installed() == {"alpha": "1.0"}


def test_refresh_and_what_the_index_knows_by_now(puffin, env, index):
    index.add(*forge_wheel("alpha", "1.0"))
    assert puffin.sync("alpha==1.0\n", "-i", index.url).code == 0
    index.add(*forge_wheel("alpha", "2.0"))
    assert "does not have this version" in puffin.sync("alpha==2.0\n", "-i", index.url).err
    for word in ("--refresh", "--refresh-package=alpha"):
        puffin.sync("alpha==1.0\n", "-i", index.url)
        assert puffin.sync("alpha==2.0\n", "-i", index.url, word).code == 0


def test_offline_warm_and_cold(puffin, env, index):
    for name in ("alpha", "beta", "gamma"):
        index.add(*forge_wheel(name, "1.0"))
    puffin.sync("alpha==1.0\n", "-i", index.url)
    asked = len(index.requests)
    other = puffin.venv(name="other")
    done = puffin.sync(None, "--offline", "-i", index.url, "-p", other.root)
    assert done.err == told("+ alpha==1.0", pins=1, installed=1)
    before = other.tree()
    done = puffin.sync("alpha==1.0\nbeta==1.0\ngamma==1.0\n", "--offline", "-i", index.url, "-p", other.root)
    assert done.code == 1
    assert done.err == lines(
        "error: Failed to find the files of 2 of 2 packages",
        "  ├─▶ The page of `beta` on `[INDEX]/simple` was not found in the cache, and the network is off",
        "  ╰─▶ The page of `gamma` on `[INDEX]/simple` was not found in the cache, and the network is off",
        "",
        "hint: run the command once without `--offline` to fill the cache",
    )
    assert other.tree() == before
    assert len(index.requests) == asked


def test_offline_with_pages_but_without_files_lists_all_that_is_missing(puffin, env, index):
    for name in ("alpha", "beta"):
        index.add(*forge_wheel(name, "1.0"))
    puffin.sync("alpha==1.0\nbeta==1.0\n", "--dry-run", "-i", index.url)
    done = puffin.sync(None, "--offline", "-i", index.url)
    assert done.code == 1
    assert "alpha-1.0-py3-none-any.whl" in done.err
    assert "beta-1.0-py3-none-any.whl" in done.err
    assert env.installed() == {}


def test_a_read_only_cache_serves_what_it_has(puffin, env, index):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    index.add(*forge_wheel("alpha", "1.0"))
    puffin.sync("alpha==1.0\n", "-i", index.url)
    other = puffin.venv(name="other")
    for directory, _, _ in os.walk(puffin.cache):
        os.chmod(directory, 0o555)
    done = puffin.sync(None, "-i", index.url, "-p", other.root)
    for directory, _, _ in os.walk(puffin.cache):
        os.chmod(directory, 0o755)
    assert done.err == told("+ alpha==1.0", pins=1, installed=1)


def test_no_cache(puffin, env, index):
    index.add(*forge_wheel("alpha", "1.0"))
    before = sorted(puffin.cache.rglob("*"))
    done = puffin.sync("alpha==1.0\n", "--no-cache", "-i", index.url, env={"TMPDIR": str(puffin.home)})
    assert done.err == ALPHA
    assert sorted(puffin.cache.rglob("*")) == before
    assert list(puffin.home.iterdir()) == []
    done = puffin.sync(None, "--no-cache", "--link-mode", "symlink", "--reinstall", "-i", index.url)
    assert done.code == 2
    assert done.err == lines("error: `--link-mode symlink` needs a permanent cache, not that of `--no-cache`")


def test_a_cache_that_cannot_be_made(puffin, env, index):
    puffin.file("plain", "")
    done = puffin.sync("alpha==1.0\n", "--cache-dir", "plain/cache", "-i", index.url)
    assert done.code == 1
    assert done.err.startswith(
        "error: Failed to initialize the cache at `[TMP]/here/plain/cache`\n  ╰─▶ Not a directory"
    )
