"""The TLS side of the device interface: TLS 1.3 only, a client certificate always."""

import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives import serialization

from devices.identity import bundle as bundles
from devices.identity import files
from devices.identity.errors import IdentityError
from devices.identity.spiffe import PortalIdentity
from devices.identity.svid import portal_of

_logger = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 2.0


def server_context(certificate: Path, key: Path, bundle: Path) -> ssl.SSLContext:
    """Make the context of the device interface from the portal's SVID and the trust bundle.

    Any anchor of the bundle will do, intermediates come from the peer alone, and there are no
    session tickets, so nothing outlives the handshake that proved it (Margo: TLS requirements).
    Raises `IdentityError` when a file is missing or cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    # Level 3 asks for 128 bits everywhere in the chain: no RSA below 3072 bits, no SHA-1.
    context.set_ciphers("DEFAULT:@SECLEVEL=3")
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    _load_anchors(context, bundle)
    _load_own(context, certificate, key)
    return context


def _load_anchors(context: ssl.SSLContext, bundle: Path) -> None:
    for anchor in bundles.read(bundle):
        try:
            context.load_verify_locations(cadata=anchor.public_bytes(serialization.Encoding.DER))
        except ssl.SSLError as error:
            raise IdentityError(f"An anchor in {bundle} cannot be used: {error.reason}.") from error


def _load_own(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    def no_passphrase() -> str:
        raise IdentityError(f"{key} is protected by a passphrase, which the portal cannot ask for.")

    try:
        context.load_cert_chain(certificate, key, password=no_passphrase)
    except ssl.SSLError as error:
        # OpenSSL gives no reason for a key that it cannot read at all.
        files.read_key(key)
        raise IdentityError(
            f"{certificate} and {key} cannot be used together: {error.reason}."
        ) from error
    except OSError as error:
        raise IdentityError(f"{certificate} or {key} cannot be read: {error.strerror}.") from error


class ReloadingContext(ssl.SSLContext):
    """A context that follows its files: each handshake uses the newest set that could be loaded.

    Event loops ask a context for one thing, `wrap_bio`, which is passed on to a context of the
    moment. That one is made anew when a file changes, since anchors can be added to a context
    but never taken out of it. Files that cannot be used change nothing and are logged once.
    """

    portal: PortalIdentity
    """Whom the SVID in use names."""

    generation = 0
    """Counts the sets of files that were taken into use."""

    def __new__(
        cls,
        certificate: Path,
        key: Path,
        bundle: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(
        self,
        certificate: Path,
        key: Path,
        bundle: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Load the files; raise `IdentityError` when they cannot be used at the start."""
        self._paths = (certificate, key, bundle)
        self._clock = clock
        self._looked_at = clock()
        self._stamp = self._read_stamp()
        self._load()

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin a handshake with the newest files."""
        self.refresh()
        return self._current.wrap_bio(incoming, outgoing, server_side, server_hostname, session)

    def refresh(self) -> None:
        """Look at the files if the last look was a while ago, and take changed ones into use."""
        if self._clock() - self._looked_at < _LOOK_AGAIN_SECONDS:
            return
        self._looked_at = self._clock()
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._load()
        except IdentityError as refusal:
            _logger.error("The changed identity files are not used, the old ones are: %s", refusal)

    def _load(self) -> None:
        portal = portal_of(files.read_chain(self._paths[0])[0])
        self._current = server_context(*self._paths)
        self.portal = portal
        self.generation += 1

    def _read_stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stamp_of(path) for path in self._paths)


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
