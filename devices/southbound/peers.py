"""Who is at the other end of a connection, read from its TLS handshake."""

import ssl
from asyncio import BaseTransport
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography import x509

from devices.identity.errors import RejectedClientError
from devices.identity.spiffe import PortalIdentity
from devices.identity.validation import client_of

_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Peer:
    """A client that proved its identity; good until its certificate ends."""

    spiffe_id: str
    not_after: datetime


class Gate:
    """Recognises peers; remembers what it has read, since devices reconnect all the time."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, PortalIdentity], tuple[x509.Certificate, Peer]] = {}

    def admit(self, transport: BaseTransport, portal: PortalIdentity, now: datetime) -> Peer:
        """Return who has connected; raise `RejectedClientError` when it is no client of ours."""
        der = _certificate_of(transport)
        fingerprint = (sha256(der).digest(), portal)
        known = self._known.get(fingerprint)
        # Only the calendar can change the verdict on a certificate that was good once.
        if known and known[0].not_valid_before_utc <= now <= known[1].not_after:
            return known[1]
        certificate = _read(der)
        spiffe_id = client_of(certificate, portal.trust_domain, portal.wfm_id, now)
        peer = Peer(spiffe_id, certificate.not_valid_after_utc)
        self._remember(fingerprint, certificate, peer)
        return peer

    def _remember(
        self, fingerprint: tuple[bytes, PortalIdentity], certificate: x509.Certificate, peer: Peer
    ) -> None:
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[fingerprint] = (certificate, peer)


def _certificate_of(transport: BaseTransport) -> bytes:
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    if der is None:
        raise RejectedClientError("The connection has no client certificate.")
    return der


def _read(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise RejectedClientError("The client's certificate cannot be read.") from error
