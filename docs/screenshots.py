"""Makes the pictures in this directory: the profile page, light and dark, and dask's dashboard.

    python docs/screenshots.py [REQUIREMENTS]

It syncs REQUIREMENTS (by default the example's) into a fresh environment with a fresh cache, from the index that
`PUFFIN_INDEX_URL` names or the public one, and looks at the results with Chromium. The dashboard needs bokeh.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.helpers.browser import Browser, chromium  # noqa: E402

DOCS = ROOT / "docs"
HEIGHT = 1480  # pixels, so that the timeline is on it
PUFFIN = [sys.executable, "-m", "puffin"]


def main(requirements: str) -> int:
    """Make all pictures that can be made here."""
    if not chromium():
        sys.stderr.write("error: Chromium is not installed\n")
        return 1
    with tempfile.TemporaryDirectory() as directory, Browser() as browser:
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PUFFIN_CACHE_DIR": f"{directory}/cache"}
        _profile(requirements, Path(directory), environ, browser)
        _dashboard(requirements, Path(directory), environ, browser)
    return 0


def _profile(requirements: str, directory: Path, environ: dict[str, str], browser: Browser) -> None:
    page = directory / "profile.html"
    environment = str(directory / "first")
    subprocess.run([*PUFFIN, "venv", "-q", environment], env=environ, check=True)
    sync = [*PUFFIN, "pip", "sync", "-q", requirements, "-p", environment, f"--profile={page}"]
    subprocess.run(sync, env=environ, check=True)
    for name, dark in (("profile", False), ("profile-dark", True)):
        _write(f"{name}.png", browser.picture(page.as_uri(), height=HEIGHT, dark=dark)[0])


def _dashboard(requirements: str, directory: Path, environ: dict[str, str], browser: Browser) -> None:
    environ = {**environ, "PUFFIN_CACHE_DIR": f"{directory}/second-cache"}
    environment = str(directory / "second")
    subprocess.run([*PUFFIN, "venv", "-q", environment], env=environ, check=True)
    sync = [*PUFFIN, "pip", "sync", requirements, "-p", environment, "--dashboard=0", "--dashboard-linger"]
    address = ""
    with subprocess.Popen(sync, env=environ, stderr=subprocess.PIPE, text=True) as running:
        for line in running.stderr or ():
            found = re.search(r"Dashboard at (\S+)", line)
            address = found[1] if found else address
            if "until you press Ctrl-C" in line or (line.startswith("hint:") and not address):
                break
        if address:
            _write("dashboard.png", browser.picture(address, after=6)[0])
        else:
            sys.stderr.write("hint: the picture of the dashboard needs bokeh\n")
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)


def _write(name: str, png: bytes) -> None:
    (DOCS / name).write_bytes(png)
    sys.stdout.write(f"docs/{name}: {len(png):,} bytes\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "examples" / "requirements.txt")))
