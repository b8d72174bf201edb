"""TLS contexts: the system's certificate store, or the one that the user named."""

import os
import ssl

from puffin.artifact.urls import mask
from puffin.errors import UsageError, os_cause
from puffin.stages.fetch.failures import CertificateRefused, statement
from puffin.stages.fetch.network import Network


def context(network: Network) -> ssl.SSLContext:
    """Return a context that checks certificates (about 20 ms: make one per process).

    Raises :class:`UsageError` when a file that *network* names cannot be used.
    """
    bundle, directory = network.ca_bundle, network.ca_directory
    if bundle and os.path.isdir(bundle):
        bundle, directory = "", bundle
    try:
        made = ssl.create_default_context(cafile=bundle or None, capath=directory or None)
    except OSError as error:  # ssl.SSLError is one
        raise _unusable("certificates", bundle or directory, error) from error
    if not bundle and not directory:
        _fall_back(made)
    return _finished(made, network)


def unchecked(network: Network) -> ssl.SSLContext:
    """Return a context for hosts that the user trusts without a certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return _finished(made, network)


def _finished(made: ssl.SSLContext, network: Network) -> ssl.SSLContext:
    made.set_alpn_protocols(["http/1.1"])
    if network.client_cert:
        try:
            made.load_cert_chain(network.client_cert)
        except OSError as error:
            raise _unusable("a client certificate", network.client_cert, error) from error
    return made


def _fall_back(made: ssl.SSLContext) -> None:
    """Use certifi's list where OpenSSL was built with a store that this system does not have."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and paths.capath is None and not made.get_ca_certs():
        import certifi

        made.load_verify_locations(cafile=certifi.where())


def _unusable(what: str, path: str, error: OSError) -> UsageError:
    return UsageError(text=f"Cannot read {what} from `{path}`", causes=(os_cause(error),))


def check_certificate(url: str, host: str, error: BaseException) -> None:
    """Raise :class:`CertificateRefused` if *error* is, or was caused by, an untrusted certificate."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return
    hints = (
        "`--cert <file>`, or `SSL_CERT_FILE=<file>` sets the certificates to trust, such as a company's",
        f"`--trusted-host {host}` skips the check (unsafe)",
    )
    reason = cause.verify_message or str(cause)
    raise CertificateRefused(url=mask(url), hints=hints, causes=(statement(reason),)) from error
