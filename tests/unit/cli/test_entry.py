"""The process of puffin itself."""

import os
import site
import sys

from puffin.cli import entry
from tests.helpers.cli import CHECKOUT


def test_whose_modules_are_not_puffins(monkeypatch):
    own, inside = str(CHECKOUT), f"{sys.prefix}/lib/more"
    monkeypatch.setattr(site, "USER_SITE", "/home/me/site")
    monkeypatch.setattr(sys, "path", ["/here", "/other", inside, own, "/home/me/site", "/rest"])
    entry._isolate(os.pathsep.join(("/other", inside, own)))
    assert sys.path == [inside, own, "/rest"]
