"""Reading and writing the small secret files an identity is made of."""

import os
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from devices.identity.errors import IdentityError

SECRET_FILE = 0o600
SECRET_DIRECTORY = 0o700


def write(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step, readable by the owner alone.

    A reader sees the old file or the new one, never half of one, also after a power cut.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), SECRET_FILE)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(path: Path) -> bytes:
    """Return a file's bytes; raise `IdentityError` with a sentence when that is impossible."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise IdentityError(f"{path} is missing.") from error
    except OSError as error:
        raise IdentityError(f"{path} cannot be read: {error.strerror}.") from error


def read_chain(path: Path) -> list[x509.Certificate]:
    """Return the certificates of a PEM file, the leaf first; raise `IdentityError`."""
    try:
        return x509.load_pem_x509_certificates(read(path))
    except ValueError as error:
        raise IdentityError(f"{path} holds no readable PEM certificate.") from error


def read_key(path: Path) -> PrivateKeyTypes:
    """Return the private key of a PEM file without a passphrase; raise `IdentityError`."""
    try:
        return serialization.load_pem_private_key(read(path), password=None)
    except (ValueError, TypeError) as error:
        raise IdentityError(f"{path} holds no PEM private key without a passphrase.") from error


def pem(certificate: x509.Certificate) -> bytes:
    """Spell one certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def pem_of_key(key: PrivateKeyTypes) -> bytes:
    """Spell a private key as PEM (PKCS #8, no passphrase)."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
