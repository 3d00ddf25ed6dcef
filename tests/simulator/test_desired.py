"""The rules of manifests, bundles and documents, without a server."""

import gzip
import io
import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.simulator.desired import (
    MANIFEST_TYPE,
    Component,
    ContentRefusedError,
    digest_of,
    read_document,
    read_manifest,
    unpack_bundle,
)
from tests.simulator.content import FIRST, SECOND, bundle, bundle_of, document, manifest, sha256


def _read(body: bytes, stored_version: int = 0) -> int:
    etag = f'"{digest_of(body)}"'
    return read_manifest(
        body, content_type=MANIFEST_TYPE, etag=etag, stored_version=stored_version
    ).version


@given(st.integers(1, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_a_version_is_taken_exactly_when_it_is_greater(version: int, stored_version: int) -> None:
    body = manifest(version, {})
    if version > stored_version:
        assert _read(body, stored_version) == version
    else:
        with pytest.raises(ContentRefusedError, match="not greater"):
            _read(body, stored_version)


EMPTY = {"manifestVersion": 1, "bundle": None, "deployments": []}
REFERENCE = {"deploymentId": FIRST, "digest": sha256(b"")}
BUNDLE = {"mediaType": "application/vnd.margo.bundle.v1+tar+gzip", "digest": sha256(b"")}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        pytest.param({"manifestVersion": 0}, "out of range", id="version zero"),
        pytest.param({"manifestVersion": 2**64}, "out of range", id="version too great"),
        pytest.param({"manifestVersion": True}, "not an integer", id="version true"),
        pytest.param({"manifestVersion": "1"}, "not an integer", id="version as text"),
        pytest.param({"manifestVersion": None}, "not an integer", id="no version"),
        pytest.param({"deployments": None}, "no list", id="no deployments"),
        pytest.param({"deployments": [{}], "bundle": BUNDLE}, "no id", id="no deployment id"),
        pytest.param({"deployments": [REFERENCE]}, "null", id="no bundle for deployments"),
        pytest.param({"bundle": BUNDLE}, "null", id="a bundle of nothing"),
        pytest.param(
            {"deployments": [REFERENCE, REFERENCE], "bundle": BUNDLE}, "twice", id="one id twice"
        ),
        pytest.param(
            {"deployments": [REFERENCE], "bundle": {**BUNDLE, "mediaType": "x"}},
            "media type",
            id="a bundle of another type",
        ),
        pytest.param(
            {"deployments": [{**REFERENCE, "digest": sha256(b"").upper()}], "bundle": BUNDLE},
            "no digest",
            id="a digest in capitals",
        ),
        pytest.param(
            {"deployments": [REFERENCE], "bundle": {**BUNDLE, "digest": sha256(b"") + "\n"}},
            "no digest",
            id="a digest with a tail",
        ),
    ],
)
def test_a_malformed_manifest_is_refused(members: dict[str, object], words: str) -> None:
    with pytest.raises(ContentRefusedError, match=words):
        _read(json.dumps({**EMPTY, **members}).encode())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"manifestVersion": 1}'])
def test_what_is_no_manifest_is_refused(body: bytes) -> None:
    with pytest.raises(ContentRefusedError):
        _read(body)


@given(st.dictionaries(st.uuids().map(str), st.binary(max_size=50), max_size=5))
def test_a_bundle_gives_back_exactly_what_was_put_in(files: dict[str, bytes]) -> None:
    unlike = {each: each.encode() + content for each, content in files.items()}
    wanted = {each: sha256(content) for each, content in unlike.items()}
    assert unpack_bundle(bundle_of(unlike), wanted) == unlike


def _linked() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("link.yaml")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(member)
    return gzip.compress(buffer.getvalue())


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK\x03\x04", id="a zip"),
        pytest.param(gzip.compress(b"no tar at all"), id="no tar in the gzip"),
        pytest.param(bundle({"a.yaml": b"1"})[:-9], id="cut off"),
        pytest.param(gzip.compress(b"\0" * 70_000_000, 1), id="a bomb"),
        pytest.param(bundle({"../a.yaml": b"1"}), id="a path out of the archive"),
        pytest.param(_linked(), id="a link"),
        pytest.param(bundle({"a.yaml": b"1", "b.yaml": b"1"}), id="one document twice"),
    ],
)
def test_an_archive_that_is_no_bundle_is_refused(archive: bytes) -> None:
    with pytest.raises(ContentRefusedError):
        unpack_bundle(archive, {FIRST: sha256(b"1")})


def test_a_document_tells_device_application_and_components() -> None:
    work = read_document(document(FIRST, "gw/child-1", "2.0.0", 2, version="7.1"), FIRST)
    assert work.device_id == "gw/child-1"
    assert (work.application_id, work.application_version) == ("gauge", "7.1")
    assert work.components == (Component("part-1", "2.0.0"), Component("part-2", "2.0.0"))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"- 1", id="a list"),
        pytest.param(b"id: [", id="no YAML"),
        pytest.param(f"id: {FIRST}".encode(), id="only an id"),
        pytest.param(document(FIRST, "edge-1", components=0), id="no components"),
        pytest.param(document(SECOND, "edge-1"), id="another id"),
    ],
)
def test_a_malformed_document_is_refused(body: bytes) -> None:
    with pytest.raises(ContentRefusedError, match=FIRST):
        read_document(body, FIRST)
