"""What `-v` and `-vv` add: decisions with their reasons, and requests with their times."""

import re

from tests.helpers.wheels import forge_wheel


def test_decisions_and_requests(puffin, env, index):
    for version in ("1.0", "2.0"):
        index.add(*forge_wheel("alpha", version))
    index.add(*forge_wheel("beta", "1.0"))
    url = index.url.rstrip("/")
    done = puffin.sync("alpha==1.0\n", "-vv", "-i", index.url)
    assert f"Environment `{env.root}` with Python " in done.raw_err
    assert "\nAdd `alpha==1.0`: it was not installed\n" in done.err
    chosen = r"\nFile of `alpha==1.0`: `alpha-1.0-\S+.whl` \(chosen now; the wheel that fits best; from"
    assert re.search(chosen, done.err)
    assert re.search(rf"^GET {re.escape(url)}/\S*alpha\S*: 200 in \S+$", done.raw_err, re.MULTILINE), (
        done.raw_err
    )
    up_to_date = puffin.sync(None, "-v", "-i", index.url)
    assert "\nKeep `alpha==1.0`: it is installed as required\n" in up_to_date.err
    assert "GET" not in up_to_date.err
    done = puffin.sync("alpha==2.0\nbeta==1.0\n", "-v", "-i", index.url)
    assert (
        "\nReplace `alpha==1.0` by `alpha==2.0`: version 2.0 is required, and 1.0 was installed\n" in done.err
    )
    assert "\nAdd `beta==1.0`: it was not installed\n" in done.err
    done = puffin.sync("alpha==2.0\n", "-v", "--reinstall", "-i", index.url)
    assert "\nReplace `alpha==2.0` by `alpha==2.0`: `--reinstall` was given\n" in done.err
    assert "\nRemove `beta==1.0`: nothing requires it any more\n" in done.err
    (env.info("alpha") / "METADATA").write_text("damaged")
    assert (
        "files of it were missing or changed in the environment"
        in puffin.sync(None, "-v", "--verify", "-i", index.url).err
    )
    assert puffin.sync(None, "-i", index.url).err.count("\n") == 2


def test_the_page_in_the_cache_is_named(puffin, env, index):
    index.add(*forge_wheel("alpha", "1.0"))
    puffin("pip", "install", "alpha", "-i", index.url)
    done = puffin("pip", "install", "alpha", "-U", "-vv", "-i", index.url)
    assert done.code == 0
    assert "Keep `alpha==1.0`: it is installed as required\n" in done.err
