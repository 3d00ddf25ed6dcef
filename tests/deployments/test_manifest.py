"""The manifest, the bundle of its documents and the digests that name them: exact to the byte."""

import gzip
import hashlib
import io
import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.document import bundle, digest, is_digest, manifest
from tests.deployments.documents import OTHER_UID, UID, published_schema
from tests.shared import needs_shared


@needs_shared
def test_every_manifest_obeys_the_published_schema() -> None:
    schema = published_schema("UnsignedAppStateManifest")
    schema.validate(json.loads(manifest(1, [], None)))
    schema.validate(json.loads(manifest(2, [(UID, DIGEST, 8)], (DIGEST, 9))))
    assert not schema.is_valid({"manifestVersion": 1, "deployments": []})


DIGEST = f"sha256:{'0a' * 32}"


@given(st.binary())
def test_a_digest_names_the_exact_bytes(data: bytes) -> None:
    assert digest(data) == "sha256:" + hashlib.sha256(data).hexdigest()
    assert is_digest(digest(data))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(DIGEST.upper(), id="upper case"),
        pytest.param(DIGEST.replace("a", "A"), id="upper-case digits"),
        pytest.param(DIGEST[:-1], id="short"),
        pytest.param(DIGEST + "0", id="long"),
        pytest.param(DIGEST + "\n", id="a line end"),
        pytest.param(f" {DIGEST}", id="a space"),
        pytest.param(f'"{DIGEST}"', id="quoted"),
        pytest.param(DIGEST[7:], id="no algorithm"),
        pytest.param(DIGEST.replace("256", "512"), id="another algorithm"),
        pytest.param("", id="empty"),
    ],
)
def test_nothing_else_is_a_digest(text: str) -> None:
    assert not is_digest(text)


DOCUMENTS = st.dictionaries(st.uuids().map(str), st.binary(max_size=2000), min_size=1, max_size=5)


@given(DOCUMENTS)
def test_a_bundle_holds_exactly_the_documents_at_its_root(documents: dict[str, bytes]) -> None:
    with tarfile.open(fileobj=io.BytesIO(bundle(documents)), mode="r:gz") as archive:
        members = archive.getmembers()
        names = [member.name for member in members]
        assert names == [f"{uid}.yaml" for uid in sorted(documents)]
        for member in members:
            file = archive.extractfile(member)
            assert file is not None
            assert file.read() == documents[member.name.removesuffix(".yaml")]
            assert member.isreg()


@given(DOCUMENTS)
def test_a_bundle_depends_on_its_documents_alone(documents: dict[str, bytes]) -> None:
    assert bundle(documents) == bundle(dict(reversed(documents.items())))


def test_a_bundle_tells_neither_time_nor_owner_nor_platform() -> None:
    data = bundle({UID: b"id: x\n"})
    assert data[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        (member,) = archive.getmembers()
    assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
    assert member.mode == 0o644


def test_a_bundle_ends_where_its_gzip_stream_ends() -> None:
    data = bundle({UID: b"id: x\n"})
    size = int.from_bytes(data[-4:], "little")
    assert len(gzip.decompress(data)) == size


def test_an_empty_bundle_is_never_built() -> None:
    with pytest.raises(ValueError, match="at least one"):
        bundle({})


def test_a_manifest_is_written_to_the_byte() -> None:
    other = DIGEST.replace("0a", "0b")
    written = manifest(3, [(OTHER_UID, other, 7), (UID, DIGEST, 812)], (other, 1234))
    assert written.decode() == (
        '{"manifestVersion":3,'
        '"bundle":{"mediaType":"application/vnd.margo.bundle.v1+tar+gzip",'
        f'"digest":"{other}","sizeBytes":1234,"url":"/api/v1/bundles/{other}"}},'
        '"deployments":['
        f'{{"deploymentId":"{UID}","digest":"{DIGEST}","sizeBytes":812,'
        f'"url":"/api/v1/deployments/{UID}/{DIGEST}"}},'
        f'{{"deploymentId":"{OTHER_UID}","digest":"{other}","sizeBytes":7,'
        f'"url":"/api/v1/deployments/{OTHER_UID}/{other}"}}]}}'
    )


def test_a_manifest_without_deployments_has_a_bundle_that_is_null() -> None:
    assert manifest(1, [], None) == b'{"manifestVersion":1,"bundle":null,"deployments":[]}'


def test_deployments_and_bundle_come_together() -> None:
    with pytest.raises(ValueError, match="exactly when"):
        manifest(1, [(UID, DIGEST, 1)], None)
    with pytest.raises(ValueError, match="exactly when"):
        manifest(1, [], (DIGEST, 1))
