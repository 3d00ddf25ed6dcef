"""The portal as its own certificate authority, for a plant that has none."""

import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from devices.identity import bundle, certificates, files
from devices.identity.algorithms import check_key, public_key_of
from devices.identity.errors import IdentityError
from devices.identity.spiffe import PortalIdentity, client_id
from devices.identity.svid import portal_of

_ROOT_LIFETIME = timedelta(days=3650)
_PORTAL_LIFETIME_DAYS = 365
_FILES = ("ca.key", "ca.pem", "wfm.key", "wfm.pem", "bundle.json")


@dataclass(frozen=True, slots=True)
class IssuedSvid:
    """A certificate for a client, and what to tell the person who asked for it."""

    spiffe_id: str
    chain_pem: bytes
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Authority:
    """The root key of a trust domain, kept in one directory together with the portal's SVID."""

    directory: Path
    trust_domain: str
    wfm_id: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, directory: Path, *, trust_domain: str, wfm_id: str, now: datetime) -> Self:
        """Make root, portal SVID and bundle; raise `IdentityError` when the directory is not free.

        Everything is made beside the directory and appears in it at once, so a crash leaves
        either nothing or a whole authority.
        """
        portal = PortalIdentity(trust_domain, wfm_id)
        _refuse_taken(directory)
        try:
            directory.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=f".{directory.name}-new-", dir=directory.parent))
            try:
                _write_new(draft, portal, now)
                draft.rename(directory)
            finally:
                _sweep_drafts(directory)
        except OSError as error:
            raise IdentityError(
                f"The authority cannot be written to {directory}: {error.strerror}."
            ) from error
        return cls.load(directory)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Open the authority in `directory`; raise `IdentityError` when it is absent or broken."""
        _refuse_incomplete(directory)
        key = _ec_key(directory / "ca.key")
        certificate = files.read_chain(directory / "ca.pem")[0]
        if certificate.public_key() != key.public_key():
            raise IdentityError(f"{directory / 'ca.key'} does not belong to ca.pem beside it.")
        portal = portal_of(files.read_chain(directory / "wfm.pem")[0])
        return cls(directory, portal.trust_domain, portal.wfm_id, key, certificate)

    def issue(
        self,
        name: str,
        public_key: CertificatePublicKeyTypes,
        *,
        now: datetime,
        lifetime_days: int = 90,
    ) -> IssuedSvid:
        """Make an SVID for the client `name`, which ends before the authority's own certificate.

        Raises `IdentityError` for an impossible name, a weak key, or an authority that has expired.
        """
        check_key(public_key)
        if lifetime_days < 1:
            raise IdentityError("A certificate must live for at least one day.")
        spiffe_id = client_id(self.trust_domain, self.wfm_id, name)
        not_after = self._end(now, lifetime_days)
        svid = self._leaf(public_key, spiffe_id, now, not_after)
        return IssuedSvid(spiffe_id, files.pem(svid), svid.not_valid_after_utc)

    def issue_for_csr(
        self, name: str, csr_pem: bytes, *, now: datetime, lifetime_days: int = 90
    ) -> IssuedSvid:
        """Make an SVID for the key in a signing request, which must be signed by that key.

        The request's subject is ignored; a SPIFFE id in it must be the one that is being issued.
        Raises `IdentityError` when the request is not in order.
        """
        csr = _read_csr(csr_pem)
        _refuse_other_name(csr, client_id(self.trust_domain, self.wfm_id, name))
        return self.issue(name, public_key_of(csr), now=now, lifetime_days=lifetime_days)

    def renew_portal(self, now: datetime) -> datetime:
        """Give the portal's own key a new certificate under the same id, and return its end.

        The key stays: one file changes, in one step, so a server never loads a pair that does
        not match.
        """
        key = _ec_key(self.directory / "wfm.key")
        portal = PortalIdentity(self.trust_domain, self.wfm_id)
        not_after = self._end(now, _PORTAL_LIFETIME_DAYS)
        svid = self._leaf(key.public_key(), str(portal), now, not_after)
        files.write(self.directory / "wfm.pem", files.pem(svid))
        return svid.not_valid_after_utc

    def _end(self, now: datetime, lifetime_days: int) -> datetime:
        authority_end = self.certificate.not_valid_after_utc
        if authority_end <= now:
            raise IdentityError(f"The authority in {self.directory} expired on {authority_end:%F}.")
        # Compared before it is added: a calendar ends, and so do the numbers of a timedelta.
        if lifetime_days > (authority_end - now).days:
            return authority_end
        return now + timedelta(days=lifetime_days)

    def _leaf(
        self,
        public_key: CertificatePublicKeyTypes,
        spiffe_id: str,
        now: datetime,
        not_after: datetime,
    ) -> x509.Certificate:
        return certificates.leaf(
            self.certificate, self.key, public_key, spiffe_id, now=now, not_after=not_after
        )


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key, the kind every party must understand."""
    return ec.generate_private_key(ec.SECP256R1())


def _write_new(directory: Path, portal: PortalIdentity, now: datetime) -> None:
    key, portal_key = new_key(), new_key()
    root = certificates.root(key, portal.trust_domain, now=now, lifetime=_ROOT_LIFETIME)
    svid = certificates.leaf(
        root,
        key,
        portal_key.public_key(),
        str(portal),
        now=now,
        not_after=now + timedelta(days=_PORTAL_LIFETIME_DAYS),
    )
    files.write(directory / "ca.key", files.pem_of_key(key))
    files.write(directory / "ca.pem", files.pem(root))
    files.write(directory / "wfm.key", files.pem_of_key(portal_key))
    files.write(directory / "wfm.pem", files.pem(svid))
    files.write(directory / "bundle.json", bundle.spell([root]))


def _sweep_drafts(directory: Path) -> None:
    """Remove this attempt's draft, and those of attempts that crashed: nobody ever used them."""
    for draft in directory.parent.glob(f".{directory.name}-new-*"):
        shutil.rmtree(draft, ignore_errors=True)


def _refuse_taken(directory: Path) -> None:
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return
    if all((directory / name).exists() for name in _FILES):
        raise IdentityError(f"{directory} already holds an identity; it is left as it is.")
    raise IdentityError(
        f"{directory} is not empty and holds no whole identity. "
        "Move it away, or put its missing files back."
    )


def _refuse_incomplete(directory: Path) -> None:
    missing = [name for name in _FILES if not (directory / name).exists()]
    if len(missing) == len(_FILES):
        raise IdentityError(
            f"There is no authority in {directory}; manage.py identity init makes one."
        )
    if missing:
        raise IdentityError(
            f"The authority in {directory} lacks {', '.join(missing)}. Put the files back from a "
            "copy, or move the directory away and run manage.py identity init."
        )


def _ec_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = files.read_key(path)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise IdentityError(f"{path} holds no elliptic-curve key.")
    return key


def _read_csr(csr_pem: bytes) -> x509.CertificateSigningRequest:
    try:
        csr = x509.load_pem_x509_csr(csr_pem)
        signed = csr.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise IdentityError("The signing request cannot be read: it must be PEM.") from error
    if not signed:
        raise IdentityError("The signing request is not signed by the key in it.")
    return csr


def _refuse_other_name(csr: x509.CertificateSigningRequest, spiffe_id: str) -> None:
    try:
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    except (ValueError, x509.DuplicateExtension) as error:
        raise IdentityError("The names in the signing request cannot be read.") from error
    others = set(names.get_values_for_type(x509.UniformResourceIdentifier)) - {spiffe_id}
    if others:
        raise IdentityError(
            f"The signing request asks for {sorted(others)[0]}, not for {spiffe_id}."
        )
