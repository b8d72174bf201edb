"""Clients for a scripted server, and scripts for it."""

import os

from puffin.stages.fetch.client import Client
from puffin.stages.fetch.credentials import Credentials
from puffin.stages.fetch.network import Network
from tests.helpers.scripted_server import Answer

NOBODY = Credentials({"NETRC": os.devnull + "-none"})


def script(*answers):
    """Give the answers one after the other, the last one again and again."""
    left = list(answers)
    return lambda _seen: left.pop(0) if len(left) > 1 else left[0]


def redirects(seen):
    """Answer ``/to/URL`` with a redirect to that URL, and everything else with a page."""
    if seen.path.startswith("/to/"):
        return Answer(b"elsewhere", status=302, headers={"Location": seen.path.removeprefix("/to/")})
    return Answer(b"here")


def client(slept=None, credentials=NOBODY, **settings):
    """Return a client that never sleeps; the pauses it would have made are appended to *slept*."""
    sleep = [].append if slept is None else slept.append
    return Client(Network(**settings), credentials=credentials, sleep=sleep)


def get(server, path="/", headers=None, url="", **settings):
    """Return what a new :func:`client` gets from *server*, or from *url*."""
    with client(**settings) as mine:
        return mine.get(url or server.url(path), headers)
