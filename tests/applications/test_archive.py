"""What an upload may be, and the archives that are refused before they do harm."""

import gzip
import io
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applications.archive import MOST_FILE_BYTES, ArchiveError, Upload, read_directory, unpack

RAW = b"apiVersion: v1\n"
Files = dict[str, bytes]


def tar_gz(files: Files) -> bytes:
    members = [(tar_member(name, len(content)), content) for name, content in files.items()]
    return tar_gz_of(*members)


def tar_member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = size, kind, "/etc/passwd"
    return member


def tar_gz_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zipped(files: Files, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def zip_of(member: zipfile.ZipInfo, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, content)
    return buffer.getvalue()


def header_for_nothing() -> bytes:
    """An extended header, which announces another header and never a file."""
    body = b"13 path=abcd\n"
    header = tar_member("x", len(body), tarfile.XHDTYPE).tobuf(tarfile.USTAR_FORMAT)
    return header + body.ljust(tarfile.BLOCKSIZE, b"\0")


HEADER_FOR_NOTHING = header_for_nothing()

both_kinds = pytest.mark.parametrize(
    "packed", [pytest.param(tar_gz, id="tar.gz"), pytest.param(zipped, id="zip")]
)
Packer = Callable[[Files], bytes]


def refusal(data: bytes) -> str:
    with pytest.raises(ArchiveError) as refused:
        unpack(data)
    return str(refused.value)


def test_anything_that_is_no_archive_is_the_description_itself() -> None:
    assert unpack(RAW) == Upload(RAW, {})


@both_kinds
def test_a_package_may_have_its_description_at_the_root(packed: Packer) -> None:
    files = {"margo.yaml": RAW, "resources/icon.svg": b"<svg/>"}
    assert unpack(packed(files)) == Upload(RAW, {"resources/icon.svg": b"<svg/>"})


@both_kinds
def test_a_package_may_be_in_one_directory(packed: Packer) -> None:
    files = {"./mixer/margo.yaml": RAW, "mixer/resources/icon.svg": b"<svg/>", "README": b"no"}
    assert unpack(packed(files)) == Upload(RAW, {"resources/icon.svg": b"<svg/>"})


@both_kinds
def test_the_members_of_a_package_are_found_whatever_directories_are_listed(packed: Packer) -> None:
    directory = tar_member("mixer", kind=tarfile.DIRTYPE)
    tarred = tar_gz_of((directory, b""), (tar_member("mixer/margo.yaml", len(RAW)), RAW))
    listed = packed({"mixer/margo.yaml": RAW}) if packed is zipped else tarred
    assert unpack(listed).raw == RAW


@both_kinds
@pytest.mark.parametrize(
    ("files", "part"),
    [
        pytest.param({"readme.md": b""}, "holds no margo.yaml", id="no description"),
        pytest.param({"a/b/margo.yaml": RAW}, "holds no margo.yaml", id="a description too deep"),
        pytest.param(
            {"a/margo.yaml": RAW, "b/margo.yaml": RAW}, "2 files named", id="two descriptions"
        ),
        pytest.param(
            {"margo.yaml": RAW, "b/margo.yaml": RAW}, "2 files named", id="two at two depths"
        ),
        pytest.param({"/margo.yaml": RAW}, "not safe", id="an absolute path"),
        pytest.param({"margo.yaml": RAW, "../x": b""}, "not safe", id="a path that leads out"),
        pytest.param({"a/../margo.yaml": RAW}, "not safe", id="a path that wanders"),
        pytest.param({"margo.yaml": RAW, "a\\b": b""}, "not safe", id="a path of another system"),
        pytest.param({"margo.yaml": RAW, "C:x": b""}, "not safe", id="a path with a drive"),
        pytest.param({"margo.yaml": RAW, "a\x1bb": b""}, "not safe", id="a name for terminals"),
        pytest.param(
            {"margo.yaml": RAW, "./margo.yaml": RAW}, "margo.yaml twice", id="the same file twice"
        ),
        pytest.param(
            {"margo.yaml": RAW, "big": bytes(MOST_FILE_BYTES + 1)},
            "big is larger than 10 MiB",
            id="a file too large",
        ),
        pytest.param(
            {"margo.yaml": RAW, **{f"{n}": bytes(9 * 1024 * 1024) for n in range(6)}},
            "more than 50 MiB",
            id="too much in all",
        ),
        pytest.param(
            {"margo.yaml": RAW, **{f"{n}": b"" for n in range(1000)}},
            "more than 1000 files",
            id="too many files",
        ),
    ],
)
def test_an_archive_that_is_no_package_is_refused(packed: Packer, files: Files, part: str) -> None:
    assert part in refusal(packed(files))


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(tarfile.SYMTYPE, id="symbolic link"),
        pytest.param(tarfile.LNKTYPE, id="hard link"),
        pytest.param(tarfile.CHRTYPE, id="device"),
        pytest.param(tarfile.FIFOTYPE, id="pipe"),
        pytest.param(tarfile.GNUTYPE_SPARSE, id="sparse file"),
    ],
)
def test_a_tar_with_anything_but_files_and_directories_is_refused(kind: bytes) -> None:
    data = tar_gz_of((tar_member("margo.yaml", kind=kind), b""))
    assert refusal(data) == "'margo.yaml' is no ordinary file; links are refused."


def test_a_zip_with_a_link_is_refused() -> None:
    link = zipfile.ZipInfo("margo.yaml")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert refusal(zip_of(link, b"/etc/passwd")).endswith("links are refused.")


def test_an_encrypted_zip_is_refused() -> None:
    data = bytearray(zipped({"margo.yaml": RAW}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(data)) == "The archive is encrypted."


def test_a_zip_in_a_compression_without_a_limit_is_refused() -> None:
    assert "not accepted" in refusal(zipped({"margo.yaml": RAW}, zipfile.ZIP_BZIP2))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x1f\x8b", id="a gzip of two bytes"),
        pytest.param(gzip.compress(b"no tar at all"), id="a gzip of something else"),
        pytest.param(tar_gz({"margo.yaml": RAW})[:-20], id="half a tar.gz"),
        pytest.param(zipped({"margo.yaml": RAW})[:-20], id="half a zip"),
        pytest.param(b"PK\x03\x04" + bytes(100), id="a zip of nothing"),
        pytest.param(zipped({"~": b""}).replace(b"~", b"\0"), id="a file without a name"),
        pytest.param(gzip.compress(HEADER_FOR_NOTHING * 5000), id="headers without end"),
    ],
)
def test_a_damaged_archive_is_refused(data: bytes) -> None:
    assert refusal(data) == "The archive is damaged, or of a kind that is not known."


def test_a_bomb_is_refused_without_being_unpacked() -> None:
    bomb = gzip.compress(bytes(200 * 1024 * 1024), compresslevel=1)
    tracemalloc.start()
    assert refusal(bomb) == "The archive holds more than 50 MiB."
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150 * 1024 * 1024


SMALL = {"tar": tar_gz({"margo.yaml": RAW, "a": b"b"}), "zip": zipped({"margo.yaml": RAW})}


@given(st.sampled_from(sorted(SMALL)), st.data())
def test_an_archive_with_any_byte_changed_is_an_upload_or_a_refusal(
    kind: str, data: st.DataObject
) -> None:
    packed = bytearray(SMALL[kind])
    for _change in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        upload = unpack(bytes(packed))
    except ArchiveError:
        return
    assert isinstance(upload.raw, bytes)


class TestADirectory:
    def test_is_read_with_its_resources(self, tmp_path: Path) -> None:
        (tmp_path / "resources").mkdir()
        (tmp_path / "resources" / "icon.svg").write_bytes(b"<svg/>")
        (tmp_path / "margo.yaml").write_bytes(RAW)
        (tmp_path / ".hidden").write_bytes(b"")
        assert read_directory(tmp_path) == Upload(RAW, {"resources/icon.svg": b"<svg/>"})

    def test_without_a_description_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ArchiveError, match="holds no margo.yaml"):
            read_directory(tmp_path)

    def test_with_a_link_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "margo.yaml").symlink_to("/etc/passwd")
        with pytest.raises(ArchiveError, match="links are refused"):
            read_directory(tmp_path)
