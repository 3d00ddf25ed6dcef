"""Warns in time of certificates that are about to end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from devices.identity import bundle, files
from devices.identity.spiffe import PortalIdentity
from devices.identity.svid import portal_of

_WARN_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the portal's files say: whom they name, and when each part ends."""

    portal: PortalIdentity
    svid_not_after: datetime
    anchors_not_after: tuple[datetime, ...]


def read(certificate: Path, trust_bundle: Path) -> Identity:
    """Read the portal's SVID and trust bundle; raise `IdentityError` when that is impossible."""
    svid = files.read_chain(certificate)[0]
    return Identity(
        portal=portal_of(svid),
        svid_not_after=svid.not_valid_after_utc,
        anchors_not_after=tuple(_ends(bundle.read(trust_bundle))),
    )


def warnings(identity: Identity, now: datetime) -> list[str]:
    """Return a sentence for each part that has ended or ends within 30 days."""
    parts = [("The portal's certificate", identity.svid_not_after)]
    parts += [("An anchor of the trust bundle", end) for end in identity.anchors_not_after]
    return [_sentence(what, end, now) for what, end in parts if end - now < _WARN_BEFORE]


def _sentence(what: str, end: datetime, now: datetime) -> str:
    if end <= now:
        return f"{what} expired on {end:%-d %B %Y}; devices cannot connect with it."
    days = (end - now).days
    left = "less than a day" if days == 0 else "1 day" if days == 1 else f"{days} days"
    return f"{what} expires on {end:%-d %B %Y}, in {left}."


def _ends(anchors: Iterable[x509.Certificate]) -> Iterable[datetime]:
    return (anchor.not_valid_after_utc for anchor in anchors)
