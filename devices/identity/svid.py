"""Reads X.509-SVIDs: the one name in a certificate, and the portal's own."""

from cryptography import x509

from devices.identity.errors import IdentityError
from devices.identity.spiffe import PortalIdentity, SpiffeId


def spiffe_id_of(certificate: x509.Certificate) -> SpiffeId:
    """Return the one SPIFFE id in a certificate; raise `IdentityError` for none, several or others.

    SPIFFE wants exactly one URI among the alternative names; names of other kinds mean nothing.
    """
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise IdentityError("The certificate has no alternative name.") from None
    except (ValueError, x509.DuplicateExtension) as error:
        raise IdentityError("The certificate's extensions cannot be read.") from error
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1:
        raise IdentityError(f"The certificate has {len(uris)} URI names instead of one.")
    return SpiffeId.parse(uris[0])


def portal_of(certificate: x509.Certificate) -> PortalIdentity:
    """Return whom the portal's own SVID names; raise `IdentityError` when it names no portal."""
    return PortalIdentity.parse(str(spiffe_id_of(certificate)))
