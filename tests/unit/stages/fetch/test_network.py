import pytest

from puffin.errors import UsageError
from puffin.stages.fetch.credentials import Credentials, basic
from puffin.stages.fetch.network import Network, network_from_environ, network_from_wire, to_wire


def test_an_empty_environment_gives_the_defaults():
    assert network_from_environ({}) == Network()


def test_the_environment_is_honoured():
    network = network_from_environ(
        {
            "SSL_CERT_FILE": "/ca.pem",
            "SSL_CERT_DIR": "/certs",
            "REQUESTS_CA_BUNDLE": "/other.pem",
            "PUFFIN_HTTP_TIMEOUT": "2.5",
            "PUFFIN_HTTP_RETRIES": "0",
            "HTTPS_PROXY": "http://p:3128",
            "no_proxy": "example.org",
        }
    )
    assert (network.ca_bundle, network.ca_directory) == ("/ca.pem", "/certs")
    assert (network.timeout, network.retries) == (2.5, 0)
    assert (network.https_proxy, network.http_proxy) == ("http://p:3128", "")


def test_requests_ca_bundle_and_all_proxy_are_second_choices():
    network = network_from_environ(
        {"REQUESTS_CA_BUNDLE": "/other.pem", "all_proxy": "p:1", "http_proxy": "q:2"}
    )
    assert network.ca_bundle == "/other.pem"
    assert (network.https_proxy, network.http_proxy) == ("p:1", "q:2")


def test_http_proxy_in_capitals_is_not_trusted_under_cgi():
    assert network_from_environ({"HTTP_PROXY": "p:1"}).http_proxy == "p:1"
    assert network_from_environ({"HTTP_PROXY": "p:1", "REQUEST_METHOD": "GET"}).http_proxy == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUFFIN_HTTP_TIMEOUT", "soon"),
        ("PUFFIN_HTTP_TIMEOUT", "0"),
        ("PUFFIN_HTTP_TIMEOUT", "nan"),
        ("PUFFIN_HTTP_TIMEOUT", "inf"),
        ("PUFFIN_HTTP_RETRIES", "1.5"),
        ("PUFFIN_HTTP_RETRIES", "-1"),
    ],
)
def test_bad_numbers_are_named(name, value):
    with pytest.raises(UsageError, match=f"{name}={value}"):
        network_from_environ({name: value})


def test_the_wire_form_is_plain_and_reversible():
    network = Network(timeout=1.0, trusted_hosts=("a", "b:1"), proxy="http://p:1", offline=True)
    wire = to_wire(network)
    assert {type(field) for field in wire} <= {float, int, bool, str, tuple}
    assert network_from_wire(wire) == network
    assert network_from_wire([list(field) if isinstance(field, tuple) else field for field in wire]) == network


@pytest.mark.parametrize(
    ("url", "host", "proxy"),
    [
        ("https://a/x", "a", "http://secure:1"),
        ("http://a/x", "a", "http://plain:2"),
        ("https://b.example.org/x", "b.example.org", ""),
        ("file:///x", "", ""),
    ],
)
def test_proxies_are_chosen_by_scheme_and_host(url, host, proxy):
    network = Network(https_proxy="secure:1", http_proxy="http://plain:2", no_proxy="localhost, .example.org")
    assert network.proxy_for(url, host) == proxy


def test_an_explicit_proxy_serves_all():
    network = Network(https_proxy="secure:1", proxy="http://mine:9")
    assert network.proxy_for("https://a/x", "a") == "http://mine:9"


def test_trusted_hosts_may_name_a_port():
    network = Network(trusted_hosts=("a", "b:8443"))
    assert network.trusts("a", 443)
    assert network.trusts("b", 8443)
    assert not network.trusts("b", 443)


@pytest.fixture
def netrc(tmp_path):
    path = tmp_path / "netrc"
    path.write_text("machine host login me password secret\ndefault login anybody password open\n")
    return Credentials({"NETRC": str(path)})


def test_the_url_comes_before_netrc(netrc):
    assert netrc.find("https://u:p%40@host/", "host") == ("u", "p@")
    assert netrc.find("https://token@host/", "host") == ("token", "")
    assert netrc.find("https://host/", "host") == ("me", "secret")


def test_the_default_entry_is_for_hosts_the_user_chose_only(netrc):
    assert netrc.find("https://other/", "other") == ("anybody", "open")
    assert netrc.find("https://other/", "other", redirected=True) is None
    assert netrc.find("https://host/", "host", redirected=True) == ("me", "secret")


def test_a_netrc_that_cannot_be_read_is_a_problem_without_secrets(tmp_path):
    path = tmp_path / "netrc"
    path.write_text("machine host login me\nhunter2 oops\n")
    credentials = Credentials({"NETRC": str(path)})
    assert credentials.find("https://host/", "host") is None
    assert str(path) in credentials.problem
    assert "hunter2" not in credentials.problem


def test_no_netrc_at_all(tmp_path):
    credentials = Credentials({"NETRC": str(tmp_path / "none")})
    assert credentials.find("https://host/", "host") is None
    assert credentials.problem == ""


def test_the_home_directory_has_the_usual_netrc(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine host login me password secret\n")
    assert Credentials({}).find("https://host/", "host") == ("me", "secret")


def test_basic_credentials_are_utf8():
    assert basic("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert basic("ü", "") == "Basic w7w6"
