"""Whom a client is and whom it believes: SVIDs, the trust bundle and the server's SPIFFE ID."""

import base64
import binascii
import json
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

_WFM = re.compile(r"spiffe://(?P<domain>[^/]+)/margo/wfm/(?P<wfm>[A-Za-z0-9._-]+)")
_CLIENT = re.compile(_WFM.pattern + r"/client/(?P<client>[A-Za-z0-9._-]+)")


class TrustError(Exception):
    """A fleet's own certificate or bundle cannot be used; the text says which and why."""


class ServerRefusedError(Exception):
    """The server is not the one this client belongs to; the text says why."""


@dataclass(frozen=True)
class Identity:
    """A client's SVID on disk and what its SPIFFE ID says (Margo: WFM identity profile)."""

    client_id: str
    trust_domain: str
    wfm_id: str
    certificate: Path
    key: Path

    @property
    def server_spiffe_id(self) -> str:
        """The one SPIFFE ID that this client's server may have."""
        return f"spiffe://{self.trust_domain}/margo/wfm/{self.wfm_id}"


def load_anchors(path: Path) -> bytes:
    """The X.509 anchors of a SPIFFE bundle as DER, one after the other.

    Keys of another use are left out (Margo: trust bundle). Raises TrustError.
    """
    try:
        keys = json.loads(path.read_text(encoding="utf-8"))["keys"]
        used = [key["x5c"][0] for key in keys if key.get("use") == "x509-svid"]
        anchors = [base64.b64decode(certificate) for certificate in used]
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        raise TrustError(f"{path} is not a SPIFFE bundle: {error}.") from error
    if not anchors:
        raise TrustError(f"{path} holds no X.509 anchor.")
    return b"".join(anchors)


def load_identity(folder: Path) -> Identity:
    """The identity kept in `folder` as svid.pem and key.pem. Raises TrustError."""
    certificate = folder / "svid.pem"
    try:
        leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
        spiffe_id = _spiffe_id(leaf)
    except (OSError, ValueError) as error:
        raise TrustError(f"{certificate} is not an SVID: {error}.") from error
    match = _CLIENT.fullmatch(spiffe_id)
    if match is None:
        raise TrustError(f"{certificate} is for {spiffe_id}, which is no Margo client.")
    return Identity(match["client"], match["domain"], match["wfm"], certificate, folder / "key.pem")


def client_context(identity: Identity, anchors: bytes) -> ssl.SSLContext:
    """A TLS 1.3 context that presents `identity` and believes only `anchors`.

    Names are checked by `check_server`, not by DNS (Margo: TLS requirements). Raises TrustError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_verify_locations(cadata=anchors)
        context.load_cert_chain(identity.certificate, identity.key)
    except (OSError, ssl.SSLError) as error:
        raise TrustError(f"The SVID of {identity.client_id} cannot be used: {error}.") from error
    return context


def check_server(certificate: bytes | None, identity: Identity) -> None:
    """Raise ServerRefusedError unless the DER certificate is that of this client's own WFM."""
    try:
        found = _spiffe_id(x509.load_der_x509_certificate(certificate or b""))
    except ValueError as error:
        raise ServerRefusedError(f"The server's certificate is no SVID: {error}.") from error
    if found != identity.server_spiffe_id:
        raise ServerRefusedError(f"The server is {found}, not {identity.server_spiffe_id}.")


def _spiffe_id(leaf: x509.Certificate) -> str:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise ValueError("it has no alternative name") from error
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1:
        raise ValueError(f"it has {len(uris)} URI names, not one")
    return uris[0]
