"""The profile page in a browser: six kinds of run, for which it answers what strangers ask, and how it is used."""

import json
import os
from pathlib import Path

import pytest

from puffin.cli.page.page import _KNOWN
from tests.helpers.browser import Browser, chromium
from tests.helpers.remote_cache import RemoteCacheServer
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel

pytestmark = pytest.mark.skipif(not chromium(), reason="no Chromium is installed")
SIZES = ((1366, 768), (2560, 1440))
AXE = Path(os.environ.get("PUFFIN_AXE", ""))
QUESTIONS = ("stage", "package", "why", "advice", "change")

LOOK = """(() => {
  const found = {answers: {}, clipped: [], wide: document.documentElement.scrollWidth - innerWidth};
  for (const name of QUESTIONS) {
    const element = document.getElementById("answer-" + name);
    const box = element && element.getBoundingClientRect();
    const style = element && getComputedStyle(element);
    found.answers[name] = box && box.width > 0 && box.height > 0 && box.top >= 0 && box.bottom <= innerHeight
      && box.left >= 0 && box.right <= innerWidth && style.visibility === "visible" ? element.textContent : null;
  }
  for (const element of document.querySelectorAll("section, h1, h2, dd, td, th, li, pre, .scroll, .tools"))
    if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth && !element.querySelector(".unseen"))
      found.clipped.push(element.tagName + " " + element.textContent.slice(0, 60));
  return found;
})()""".replace("QUESTIONS", json.dumps(QUESTIONS))


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    for number in range(40):
        index.add(*forge_wheel(f"part-{number}", "1.0", {f"part_{number}.py": "X = 1\n" * 500}))
    for name, fail in (("made", ""), ("other", ""), ("broken", "wrong")):
        index.add(*forge_sdist(name, fail=fail))
    return index


def pins(count):
    return "".join(f"part-{number}==1.0\n" for number in range(count))


def cold(puffin, shop):
    puffin.venv()
    return puffin.sync(pins(40), "-i", shop.url, "--profile=p.html", "--executor", "pool")


def twenty(puffin, shop):
    for number in range(20):
        puffin.file(f"services/service-{number}/requirements.txt", pins(1))
    assert puffin("sync", "services/*/requirements.txt", "-i", shop.url).code == 0
    for number in range(20):
        puffin.file(f"services/service-{number}/requirements.txt", pins(2 + number % 4))
    return puffin("sync", "services/*/requirements.txt", "-i", shop.url, "--profile=p.html")


def builds(puffin, shop):
    puffin.venv()
    return puffin.sync("made==1.0\nother==1.0\n", "-i", shop.url, "--profile=p.html", "-j", "2")


def failing(puffin, shop):
    puffin.file("services/a/requirements.txt", "part-1==1.0\n")
    puffin.file("services/b/requirements.txt", "part-1==1.0\nbroken==1.0\n")
    return puffin("sync", "services/*/requirements.txt", "-i", shop.url, "--profile=p.html")


def remote(puffin, shop):
    puffin.venv()
    with RemoteCacheServer() as server:
        environ = {"PUFFIN_REMOTE_CACHE": server.url, "PUFFIN_REMOTE_CACHE_KEY": "0123456789abcdef" * 2}
        return puffin.sync("part-1==1.0\nmade==1.0\n", "-i", shop.url, "--profile=p.html", env=environ)


def nothing(puffin, shop):
    puffin.venv()
    puffin.sync(pins(2), "-i", shop.url)
    return puffin.sync(None, "-i", shop.url, "--profile=p.html")


RUNS = {
    cold: ("40 packages were new to the cache",),
    twenty: ("services/service-19", "4 packages were new to the cache", " before ("),
    builds: ("was built from source in", "its index has no wheel that can be used with Python 3."),
    failing: (
        "broken==1.0, which failed (build)",
        "Failed to build `broken==1.0`",
        "something is wrong",
        "services/b",
    ),
    remote: ("The remote cache did not serve",),
    nothing: ("No package had to be fetched, built or installed", " before ("),
}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
def test_what_strangers_ask_is_answered_in_sight(puffin, shop, run):
    done = run(puffin, shop)
    assert done.code == (3 if run is failing else 0), done.err
    url = (puffin.cwd / "p.html").as_uri()
    with Browser() as browser:
        for width, height in SIZES:
            for dark in (False, True):
                script = f"JSON.stringify({LOOK})"
                _, found = browser.picture(url, width=width, height=height, dark=dark, script=script)
                seen = json.loads(found)
                assert all(seen["answers"].values()), (width, seen["answers"])
                assert seen["clipped"] == []
                assert seen["wide"] <= 0
        _, text = browser.picture(url, script="document.body.textContent")
    for words in RUNS[run]:
        assert words in text


@pytest.mark.skipif(not AXE.is_file(), reason="PUFFIN_AXE does not name axe-core")
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
def test_the_page_is_accessible(puffin, shop, run):
    run(puffin, shop)
    script = AXE.read_text() + (
        ";axe.run().then(found => JSON.stringify(found.violations.filter(each => /serious|critical/.test(each.impact))"
        ".map(each => [each.id, each.nodes.length, each.nodes[0].html])))"
    )
    with Browser() as browser:
        for width, height in SIZES:
            for dark in (False, True):
                url = (puffin.cwd / "p.html").as_uri()
                _, found = browser.picture(url, width=width, height=height, dark=dark, script=script)
                assert json.loads(found) == [], (width, dark)


def test_the_page_is_searched_filtered_sorted_and_enlarged(puffin, shop):
    assert cold(puffin, shop).code == 0
    script = """(() => {
      const found = {}, $ = query => document.querySelector(query);
      const every = query => [...document.querySelectorAll(query)];
      const dim = () => every(".scroll rect").filter(e => e.style.opacity).length;
      found.bars = every(".scroll rect").length;
      $("#search").value = "part-7==";
      $("#search").dispatchEvent(new Event("input"));
      found.searched = found.bars - dim();
      found.told = $("#matches").textContent;
      $("#search").value = "";
      $("#search").dispatchEvent(new Event("input"));
      const stage = every("[data-stage]").find(e => e.textContent === "download");
      stage.click();
      found.hidden = dim();
      found.pressed = stage.getAttribute("aria-pressed");
      stage.click();
      const scroll = $(".scroll"), press = key => scroll.dispatchEvent(new KeyboardEvent("keydown", {key}));
      const width = () => $(".drawn").getBoundingClientRect().width;
      const whole = width();
      press("+");
      found.zoomed = Math.round(width() / whole);
      press("0");
      found.back = width() === whole;
      const table = every("section[aria-label=Packages] table")[0], rows = () => [...table.tBodies[0].rows];
      found.before = rows().filter(e => !e.hidden).length;
      table.parentNode.querySelector(".more").click();
      found.after = rows().filter(e => !e.hidden).length;
      const head = [...table.querySelectorAll("th button")].find(e => e.textContent === "Package");
      head.click();
      found.first = rows()[0].cells[0].textContent;
      found.sort = head.parentNode.getAttribute("aria-sort");
      head.click();
      found.last = rows()[0].cells[0].textContent;
      return JSON.stringify(found);
    })()"""
    with Browser() as browser:
        found = json.loads(browser.picture((puffin.cwd / "p.html").as_uri(), script=script)[1])
    assert found["searched"] == 3
    assert found["told"] == f"3 of {found['bars']} bars"
    assert (found["hidden"], found["pressed"]) == (40, "false")
    assert (found["zoomed"], found["back"]) == (2, True)
    assert (found["before"], found["after"]) == (12, 40)
    assert (found["first"], found["sort"], found["last"]) == ("part-0==1.0", "ascending", "part-9==1.0")


KINDS = {  # Machado, Oliveira and Fernandes: how colours are seen without red, green and blue cones
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanopia": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
}


def lab(color, kind):
    """Return what is seen of a colour, in CIELAB."""
    linear = [
        ((v + 0.055) / 1.055) ** 2.4 if v > 0.04045 else v / 12.92
        for v in (c / 255 for c in bytes.fromhex(color[1:]))
    ]
    r, g, b = [min(1, max(0, sum(m * v for m, v in zip(row, linear, strict=True)))) for row in KINDS[kind]]
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    x, y, z = [v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz]
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_the_colours_of_stages_stay_apart(kind, theme):
    seen = {
        name: lab(_KNOWN[name][theme], kind)
        for name in ("fetch", "build", "unzip", "compile", "link", "locate")
    }
    for one, first in seen.items():
        for other, second in seen.items():
            if one < other:
                distance = sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) ** 0.5
                assert distance >= 12, (one, other, round(distance, 1))
