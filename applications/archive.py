"""Opens an uploaded package, a bare description or an archive with its resources, without trust."""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

DESCRIPTION = "margo.yaml"

MOST_UNPACKED_BYTES = 50 * 1024 * 1024
MOST_FILE_BYTES = 10 * 1024 * 1024
MOST_MEMBERS = 1000
# Room for a tar's own headers and padding, beside the files themselves.
MOST_TAR_BYTES = MOST_UNPACKED_BYTES + MOST_MEMBERS * 4096

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
ZIP_ENTRY_MAGIC = b"PK\x01\x02"
ZIP_ENCRYPTED = 0x1
# zipfile limits the output of these two only; a few bytes of the others can fill the memory.
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What the standard library raises for archives that are broken or of an unknown kind.
BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    OSError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    ValueError,
)


class ArchiveError(Exception):
    """The upload cannot be opened safely; `str()` says why in one sentence."""


@dataclass(frozen=True)
class Upload:
    """The bytes of the description, and the files beside it by their path relative to it."""

    raw: bytes
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A regular file of an archive; nothing of it is read before its size is known to be fine."""

    name: str
    size: int
    read: Callable[[], bytes]


def unpack(data: bytes) -> Upload:
    """What an uploaded file holds; its first bytes tell what it is, never its name.

    A .tar.gz or .zip is opened in memory and nothing of it is ever written to disk; anything else
    is taken for the description itself. Raises ArchiveError.
    """
    if not data.startswith((GZIP_MAGIC, *ZIP_MAGICS)):
        return Upload(data)
    if len(data) > MOST_UNPACKED_BYTES:
        raise ArchiveError("The archive is larger than 50 MiB.")
    entries = _tar_entries if data.startswith(GZIP_MAGIC) else _zip_entries
    try:
        files = _collect(entries(data))
    except BROKEN:
        raise ArchiveError("The archive is damaged, or of a kind that is not known.") from None
    return _upload(files)


def read_directory(directory: Path) -> Upload:
    """A package that lies unpacked in a directory. Raises ArchiveError."""
    try:
        files = _collect(_directory_entries(directory))
    except OSError as error:
        raise ArchiveError(f"{directory} cannot be read: {error.strerror}.") from None
    if DESCRIPTION not in files:
        raise ArchiveError(f"{directory} holds no {DESCRIPTION}.")
    return Upload(files.pop(DESCRIPTION), files)


def _collect(entries: Iterable[Entry]) -> dict[str, bytes]:
    """The contents by safe path, within the limits, whatever sizes the archive claims."""
    files: dict[str, bytes] = {}
    left = MOST_UNPACKED_BYTES
    for entry in entries:
        path = _safe_path(entry.name)
        if path in files:
            raise ArchiveError(f"The archive holds {path} twice.")
        if entry.size > MOST_FILE_BYTES:
            raise ArchiveError(f"{path} is larger than 10 MiB.")
        files[path] = entry.read()
        left -= len(files[path])
        if left < 0:
            raise ArchiveError("The archive holds more than 50 MiB.")
    return files


def _safe_path(name: str) -> str:
    path = PurePosixPath(name)
    foreign = "\\" in name or ":" in name or not name.isprintable()
    if path.is_absolute() or ".." in path.parts or not path.parts or foreign:
        raise ArchiveError(f"The archive holds a file with the path {name!a}, which is not safe.")
    return str(path)


def _upload(files: Mapping[str, bytes]) -> Upload:
    """The description at the root or in one top-level directory, and the files below it."""
    found = [
        path
        for path in map(PurePosixPath, files)
        if path.name == DESCRIPTION and len(path.parts) <= 2
    ]
    if not found:
        raise ArchiveError(f"The archive holds no {DESCRIPTION} at its root.")
    if len(found) > 1:
        raise ArchiveError(f"The archive holds {len(found)} files named {DESCRIPTION}.")
    root = found[0].parent
    beside = {
        str(PurePosixPath(path).relative_to(root)): content
        for path, content in files.items()
        if PurePosixPath(path).is_relative_to(root)
    }
    return Upload(beside.pop(DESCRIPTION), beside)


def _tar_entries(data: bytes) -> Iterator[Entry]:
    # Unpacked with a limit first: tarfile itself would follow a header that claims gigabytes.
    with gzip.open(io.BytesIO(data)) as stream:
        unpacked = stream.read(MOST_TAR_BYTES + 1)
    if len(unpacked) > MOST_TAR_BYTES:
        raise ArchiveError("The archive holds more than 50 MiB.")
    with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as archive:
        for count, member in enumerate(archive, start=1):
            _check_count(count)
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise ArchiveError(f"{member.name!a} is no ordinary file; links are refused.")
            yield Entry(member.name, member.size, partial(_tar_read, archive, member))


def _tar_read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    return b"" if stream is None else stream.read()


def _zip_entries(data: bytes) -> Iterator[Entry]:
    # Counted before zipfile makes an object of each.
    _check_count(data.count(ZIP_ENTRY_MAGIC) // 2)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for count, member in enumerate(archive.infolist(), start=1):
            _check_count(count)
            if member.is_dir():
                continue
            _check_zip_member(member)
            read = partial(_zip_read, archive, member)
            yield Entry(member.filename, member.file_size, read)


def _check_zip_member(member: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ArchiveError(f"{member.filename!a} is no ordinary file; links are refused.")
    if member.flag_bits & ZIP_ENCRYPTED:
        raise ArchiveError("The archive is encrypted.")
    if member.compress_type not in ZIP_METHODS:
        raise ArchiveError("The archive is compressed in a way that is not accepted.")


def _zip_read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as stream:
        return stream.read(MOST_FILE_BYTES)


def _check_count(count: int) -> None:
    if count > MOST_MEMBERS:
        raise ArchiveError(f"The archive holds more than {MOST_MEMBERS} files.")


def _directory_entries(directory: Path) -> Iterator[Entry]:
    visible = (path for path in sorted(directory.rglob("*")) if not _is_hidden(path, directory))
    for count, path in enumerate(visible, start=1):
        _check_count(count)
        if path.is_dir() and not path.is_symlink():
            continue
        if path.is_symlink() or not path.is_file():
            raise ArchiveError(f"{path} is no ordinary file; links are refused.")
        name = path.relative_to(directory).as_posix()
        yield Entry(name, path.stat().st_size, path.read_bytes)


def _is_hidden(path: Path, directory: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(directory).parts)
