"""SPIFFE ids: the names by which the portal and its clients know each other."""

import re
from dataclasses import dataclass
from typing import Self

from devices.identity.errors import IdentityError

_SCHEME = "spiffe://"
_MAX_LENGTH = 2048
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_CLIENT_PATH = re.compile(r"/margo/wfm/(?P<wfm>[^/]+)/client/(?P<name>[^/]+)")
_PORTAL_PATH = re.compile(r"/margo/wfm/(?P<wfm>[^/]+)")


def is_name(text: str) -> bool:
    """Tell whether `text` may be a wfm-id or a wfm-client-id (Margo: WFM identity profile)."""
    return _NAME.fullmatch(text) is not None and text not in {".", ".."}


@dataclass(frozen=True, slots=True)
class SpiffeId:
    """A parsed SPIFFE id; ids are equal when they are the same byte for byte."""

    trust_domain: str
    path: str
    """Begins with a slash; empty for the id of the trust domain itself."""

    def __str__(self) -> str:
        return f"{_SCHEME}{self.trust_domain}{self.path}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a SPIFFE id; raise `IdentityError` when `text` is none.

        The scheme is compared as written: an id in capitals is another id, not the same one.
        """
        if len(text) > _MAX_LENGTH:
            raise IdentityError(f"A SPIFFE id has at most {_MAX_LENGTH} characters.")
        if not text.startswith(_SCHEME):
            raise IdentityError(f"{text!r} is not a SPIFFE id: it does not begin with {_SCHEME}.")
        trust_domain, slash, path = text.removeprefix(_SCHEME).partition("/")
        check_trust_domain(trust_domain)
        if slash and not all(is_name(segment) for segment in path.split("/")):
            raise IdentityError(f"{text!r} is not a SPIFFE id: its path is not well formed.")
        return cls(trust_domain, slash + path)


def check_trust_domain(text: str) -> None:
    """Raise `IdentityError` when `text` cannot name a trust domain."""
    if _TRUST_DOMAIN.fullmatch(text) is None:
        raise IdentityError(
            f"{text!r} cannot be a trust domain: use lower-case letters, digits, '.', '-' and '_'."
        )


def check_name(text: str, what: str) -> None:
    """Raise `IdentityError` when `text` cannot be a wfm-id or wfm-client-id; `what` says which."""
    if not is_name(text):
        raise IdentityError(
            f"{text!r} cannot be {what}: use letters, digits, '.', '-' and '_', "
            "and neither '.' nor '..' alone."
        )


@dataclass(frozen=True, slots=True)
class PortalIdentity:
    """The name of a workload fleet manager: `spiffe://<trust domain>/margo/wfm/<wfm-id>`."""

    trust_domain: str
    wfm_id: str

    def __post_init__(self) -> None:
        check_trust_domain(self.trust_domain)
        check_name(self.wfm_id, "the id of a workload fleet manager")

    def __str__(self) -> str:
        return f"{_SCHEME}{self.trust_domain}/margo/wfm/{self.wfm_id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Recognise a portal's id; raise `IdentityError` for every other shape."""
        spiffe_id = SpiffeId.parse(text)
        shape = _PORTAL_PATH.fullmatch(spiffe_id.path)
        if shape is None:
            raise IdentityError(
                f"{text!r} is not the identity of a workload fleet manager "
                "(spiffe://<trust domain>/margo/wfm/<wfm-id>)."
            )
        return cls(spiffe_id.trust_domain, shape["wfm"])


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """The name of a client: `spiffe://<trust domain>/margo/wfm/<wfm-id>/client/<name>`."""

    trust_domain: str
    wfm_id: str
    name: str

    def __post_init__(self) -> None:
        check_trust_domain(self.trust_domain)
        check_name(self.wfm_id, "the id of a workload fleet manager")
        check_name(self.name, "the name of a client")
        if len(str(self)) > _MAX_LENGTH:
            raise IdentityError(f"A SPIFFE id has at most {_MAX_LENGTH} characters.")

    def __str__(self) -> str:
        return f"{_SCHEME}{self.trust_domain}/margo/wfm/{self.wfm_id}/client/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Recognise a client's id; raise `IdentityError` for every other shape."""
        spiffe_id = SpiffeId.parse(text)
        shape = _CLIENT_PATH.fullmatch(spiffe_id.path)
        if shape is None:
            raise IdentityError(
                f"{text!r} is not the identity of a client "
                "(spiffe://<trust domain>/margo/wfm/<wfm-id>/client/<name>)."
            )
        return cls(spiffe_id.trust_domain, shape["wfm"], shape["name"])


def client_id(trust_domain: str, wfm_id: str, name: str) -> str:
    """Spell the SPIFFE id of the client `name`; raise `IdentityError` for an impossible name."""
    return str(ClientIdentity(trust_domain, wfm_id, name))
