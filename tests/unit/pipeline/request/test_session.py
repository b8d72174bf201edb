"""The session of a command: the network that options and variables configure."""

import pytest

from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.settings import NetworkOptions, Settings
from puffin.stages.fetch.network import Network, network_from_wire
from puffin.stages.resolve.solve.request import HIGHEST, IF_NECESSARY_OR_EXPLICIT

ENVIRON = {"PUFFIN_HTTP_TIMEOUT": "7", "PUFFIN_HTTP_RETRIES": "1", "SSL_CERT_DIR": "/certs"}


@pytest.mark.parametrize(
    ("options", "environ", "network"),
    [
        ({}, {}, Network(trusted_hosts=("b",))),
        ({}, ENVIRON, Network(timeout=7.0, retries=1, ca_directory="/certs", trusted_hosts=("b",))),
        (
            {"timeout": 3.0, "retries": 0, "cert": "a.pem", "trusted_host": ("a",), "proxy": "http://p"},
            ENVIRON,
            Network(timeout=3.0, retries=0, ca_bundle="a.pem", trusted_hosts=("a", "b"), proxy="http://p"),
        ),
    ],
)
def test_options_go_before_variables_and_the_hosts_of_files_are_added(options, environ, network):
    settings = Settings(files=(), cache_dir="", network=NetworkOptions(**options))
    assert network_from_wire(session_of(settings, environ).network.wire(("b",))) == network


def test_without_a_reporter_nobody_is_told():
    reporter = session_of(Settings(files=(), cache_dir="", offline=True), {}).reporter
    assert reporter.phase("Resolved", 1, 0.1) is None
    assert reporter.warn("something") is None


def test_the_usual_resolution_is_that_of_the_resolver():
    settings = Settings(files=(), cache_dir="")
    assert (settings.resolution, settings.prerelease) == (HIGHEST, IF_NECESSARY_OR_EXPLICIT)
