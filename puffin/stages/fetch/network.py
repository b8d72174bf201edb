"""The network settings: one value of builtins, the same in every process of a run."""

from puffin.artifact.urls import is_file_url, mask
from puffin.errors import UsageError
from puffin.types import Mapping
from puffin.value import astuple, from_tuple, frozen

Wire = tuple[object, ...]


AUTO, DISABLED, SUBPROCESS = "auto", "disabled", "subprocess"


@frozen
class Network:
    """The network settings of a run; credentials are not among them (see ``credentials.py``).

    ``timeout`` is in seconds and holds for a connection and for each read. ``retries`` is how many times a
    failed request is sent again. ``ca_bundle`` (a PEM file) and ``ca_directory`` replace the system's
    certificate store; ``client_cert`` is a PEM file with certificate and key. ``trusted_hosts`` are hosts,
    or ``host:port``, whose certificate is not checked. ``proxy`` serves every request; else ``http_proxy`` and
    ``https_proxy`` serve theirs, except for the hosts in ``no_proxy`` (a comma-separated list, which
    limits ``proxy`` too). ``keyring`` is one of
    :data:`AUTO`, :data:`DISABLED` and :data:`SUBPROCESS` (see ``credentials.py``).
    """

    timeout: float = 30.0
    retries: int = 3
    offline: bool = False
    ca_bundle: str = ""
    ca_directory: str = ""
    client_cert: str = ""
    trusted_hosts: tuple[str, ...] = ()
    proxy: str = ""
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: str = ""
    keyring: str = AUTO

    def proxy_for(self, url: str, host: str) -> str:
        """Return the URL of the proxy that a request for *url* on *host* takes, empty for none."""
        secure = url[:6].lower() == "https:"
        proxy = self.proxy or (self.https_proxy if secure else self.http_proxy)
        if not proxy or is_file_url(url) or (self.no_proxy and _bypassed(host, self.no_proxy)):
            return ""
        return proxy if "://" in proxy else f"http://{proxy}"

    def trusts(self, host: str, port: int) -> bool:
        """Tell whether the user disabled the check of the certificate of *host*."""
        return host in self.trusted_hosts or f"{host}:{port}" in self.trusted_hosts


def to_wire(network: Network) -> "Wire":
    """Return *network* as a plain tuple: the form in which it travels as an argument of a task."""
    return astuple(network)


def network_from_wire(wire: "Wire") -> Network:
    """Return the value of :func:`to_wire` again (lists for tuples are fine)."""
    return from_tuple(Network, [tuple(field) if isinstance(field, list) else field for field in wire])


def network_from_environ(environ: "Mapping[str, str]") -> Network:
    """Return the settings that *environ* asks for.

    Read are ``SSL_CERT_FILE``, ``SSL_CERT_DIR``, ``REQUESTS_CA_BUNDLE``, ``http_proxy``, ``https_proxy``,
    ``all_proxy`` and ``no_proxy`` in both cases, ``PUFFIN_HTTP_TIMEOUT`` (seconds) and ``PUFFIN_HTTP_RETRIES``.
    Raises :class:`UsageError` for a number that is none.
    """
    fallback = _either(environ, "all_proxy")
    return Network(
        timeout=_number(environ, "PUFFIN_HTTP_TIMEOUT", 30.0, above=0.0),
        retries=int(_number(environ, "PUFFIN_HTTP_RETRIES", 3.0, whole=True)),
        ca_bundle=environ.get("SSL_CERT_FILE") or environ.get("REQUESTS_CA_BUNDLE", ""),
        ca_directory=environ.get("SSL_CERT_DIR", ""),
        http_proxy=_either(environ, "http_proxy") or fallback,
        https_proxy=_either(environ, "https_proxy") or fallback,
        no_proxy=_either(environ, "no_proxy"),
    )


def _either(environ: "Mapping[str, str]", name: str) -> str:
    lower = environ.get(name, "")
    if lower or (name == "http_proxy" and "REQUEST_METHOD" in environ):
        return lower  # under CGI, HTTP_PROXY is a header that the remote side chose
    return environ.get(name.upper(), "")


def _number(
    environ: "Mapping[str, str]", name: str, default: float, *, above: float = -1.0, whole: bool = False
) -> float:
    text = environ.get(name, "").strip()
    if not text:
        return default
    try:
        number = float(int(text)) if whole else float(text)
    except ValueError:
        number = above
    if not above < number < 1e9:
        wanted = "a whole number" if whole else "a number of seconds above 0"
        raise UsageError(text=f"`{name}={mask(text)}` is not {wanted}")
    return number


def _bypassed(host: str, no_proxy: str) -> bool:
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

    return bool(proxy_bypass_environment(host, {"no": no_proxy}))
