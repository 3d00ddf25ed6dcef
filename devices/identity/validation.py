"""Which leaf certificates are those of clients of this portal.

The chain to an anchor of the trust bundle is verified in the handshake; what a handshake
cannot know is checked here, in the order of the Margo pages on SVIDs and the identity profile.
"""

from datetime import datetime
from typing import TypeVar

from cryptography import x509

from devices.identity.algorithms import check_key, public_key_of
from devices.identity.errors import IdentityError, RejectedClientError
from devices.identity.spiffe import ClientIdentity, PortalIdentity, SpiffeId
from devices.identity.svid import spiffe_id_of

_E = TypeVar("_E", bound=x509.ExtensionType)


def client_of(leaf: x509.Certificate, trust_domain: str, wfm_id: str, now: datetime) -> str:
    """Return the SPIFFE id of the client that a leaf names; raise `RejectedClientError`."""
    try:
        spiffe_id = _name(leaf, trust_domain)
        _check_validity(leaf, now)
        _check_constraints(leaf)
        check_key(public_key_of(leaf))
        return _client(spiffe_id, PortalIdentity(trust_domain, wfm_id))
    except IdentityError as refusal:
        raise RejectedClientError(str(refusal)) from refusal


def _name(leaf: x509.Certificate, trust_domain: str) -> SpiffeId:
    spiffe_id = spiffe_id_of(leaf)
    if not spiffe_id.path:
        raise IdentityError(f"{spiffe_id} is the id of a trust domain, not of a client.")
    if spiffe_id.trust_domain != trust_domain:
        raise IdentityError(f"{spiffe_id} is of another trust domain than {trust_domain}.")
    return spiffe_id


def _check_validity(leaf: x509.Certificate, now: datetime) -> None:
    if now < leaf.not_valid_before_utc:
        raise IdentityError(f"The certificate is not valid before {leaf.not_valid_before_utc}.")
    if now > leaf.not_valid_after_utc:
        raise IdentityError(f"The certificate expired on {leaf.not_valid_after_utc}.")


def _check_constraints(leaf: x509.Certificate) -> None:
    try:
        extensions = leaf.extensions
        constraints = _find(extensions, x509.BasicConstraints)
        usage = _find(extensions, x509.KeyUsage)
    except (ValueError, x509.DuplicateExtension) as error:
        raise IdentityError("The certificate's extensions cannot be read.") from error
    if constraints is not None and constraints.ca:
        raise IdentityError("The certificate is an authority's, not a client's.")
    if usage is None or not usage.digital_signature:
        raise IdentityError("The certificate's key may not make signatures.")
    if usage.key_cert_sign or usage.crl_sign:
        raise IdentityError("The certificate's key may sign certificates, so it is no client's.")


def _find(extensions: x509.Extensions, kind: type[_E]) -> _E | None:
    return next((found.value for found in extensions if isinstance(found.value, kind)), None)


def _client(spiffe_id: SpiffeId, portal: PortalIdentity) -> str:
    client = ClientIdentity.parse(str(spiffe_id))
    if client.wfm_id != portal.wfm_id:
        raise IdentityError(f"{client} is a client of another manager than {portal}.")
    return str(client)
