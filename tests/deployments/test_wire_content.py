"""A client fetches documents and bundles by their digests, over a real mutual-TLS connection."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator

from deployments.models import Instance, Manifest, Revision
from devices.models import Device
from tests.deployments import plant, talk
from tests.deployments.documents import OUR_SCHEMA, published_schema
from tests.shared import needs_shared
from tests.wire import Wire

FOR_EVER = "private, max-age=31536000, immutable"


@dataclass
class Line:
    """A client with two devices, one of them behind the other, and what it was told to run."""

    edge: httpx.Client
    devices: list[Device]
    manifest: dict

    @property
    def urls(self) -> list[str]:
        """Where the documents are."""
        return [entry["url"] for entry in self.manifest["deployments"]]

    @property
    def bundle(self) -> str:
        """Where the bundle is."""
        return str(self.manifest["bundle"]["url"])

    def get(self, url: str, **headers: str) -> httpx.Response:
        """Fetches, and checks what must be true of every answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.edge.get(url, headers=sent)
        talk.assert_answer("bundle" if "/bundles/" in url else "document", answer)
        return answer

    def ask(self) -> "Line":
        """Polls again."""
        self.manifest = self.edge.get(talk.MANIFEST).json()
        return self


@pytest.fixture
def line(wire: Wire) -> Iterator[Line]:
    with wire.client("line-4") as edge:
        devices = talk.a_plant(wire, "gw", "gw/press-1")
        yield Line(edge, devices, {}).ask()


def test_a_document_has_the_digest_it_was_announced_with(line: Line) -> None:
    for entry in line.manifest["deployments"]:
        answer = line.get(entry["url"])
        assert answer.status_code == 200
        assert talk.sha(answer.content) == entry["digest"]
        assert len(answer.content) == entry["sizeBytes"]
        assert answer.headers["etag"] == f'"{entry["digest"]}"'
        assert answer.headers["content-type"] == "application/yaml"
        assert answer.headers["cache-control"] == FOR_EVER
        assert yaml.safe_load(answer.content)["id"] == entry["deploymentId"]


def test_a_document_obeys_the_standard(line: Line) -> None:
    for url in line.urls:
        Draft202012Validator(OUR_SCHEMA).validate(yaml.safe_load(line.get(url).content))


@needs_shared
def test_a_document_obeys_the_published_schema(line: Line) -> None:
    for url in line.urls:
        published_schema("appDeploymentManifest").validate(yaml.safe_load(line.get(url).content))


def test_a_bundle_holds_exactly_the_documents_of_the_manifest(line: Line) -> None:
    answer = line.get(line.bundle)
    assert answer.status_code == 200
    assert talk.sha(answer.content) == line.manifest["bundle"]["digest"]
    assert len(answer.content) == line.manifest["bundle"]["sizeBytes"]
    assert answer.headers["etag"] == f'"{line.manifest["bundle"]["digest"]}"'
    assert answer.headers["content-type"] == talk.BUNDLE_TYPE
    assert answer.headers["cache-control"] == FOR_EVER
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(answer.content))) as archive:
        found = {one.name: archive.extractfile(one).read() for one in archive.getmembers()}
    assert found == {
        f"{entry['deploymentId']}.yaml": line.get(entry["url"]).content
        for entry in line.manifest["deployments"]
    }


def test_nothing_is_encoded_on_the_way_whatever_a_client_takes(line: Line) -> None:
    for url in (*line.urls, line.bundle, talk.MANIFEST):
        answer = line.edge.get(url, headers={"Accept-Encoding": "gzip, br, *;q=0.5"})
        assert "content-encoding" not in answer.headers
        assert answer.headers["etag"] == f'"{talk.sha(answer.content)}"'


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
def test_a_client_that_has_the_content_gets_an_empty_304(line: Line, form: str) -> None:
    for url in (line.urls[0], line.bundle):
        etag = f'"{url.rpartition("/")[2]}"'
        answer = line.get(url, if_none_match=form.format(etag))
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
        assert answer.headers["cache-control"] == FOR_EVER


def test_a_client_may_ask_for_any_type_or_none(line: Line) -> None:
    del line.edge.headers["accept"]
    for url in (line.urls[0], line.bundle):
        assert line.get(url).status_code == 200
        assert line.get(url, accept="application/json").status_code == 200


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(lambda digest: digest.upper(), id="upper case"),
        pytest.param(lambda digest: digest.replace("sha256:", ""), id="no prefix"),
        pytest.param(lambda digest: digest.replace("sha256:", "SHA256:"), id="prefix in capitals"),
        pytest.param(lambda digest: digest.replace("sha256:", "sha512:"), id="another algorithm"),
        pytest.param(lambda digest: digest[:-1], id="too short"),
        pytest.param(lambda digest: digest + "0", id="too long"),
        pytest.param(lambda digest: digest + "%0A", id="a line end"),
        pytest.param(lambda digest: "%20" + digest, id="a space"),
        pytest.param(lambda digest: digest[:-1] + "%00", id="a NUL"),
        pytest.param(lambda digest: f'"{digest}"', id="quoted"),
        pytest.param(lambda _: "sha256:" + "0" * 64, id="of something else"),
        pytest.param(lambda _: "%2E%2E", id="dots"),
    ],
)
def test_a_digest_that_is_not_exactly_right_is_not_found(line: Line, spoilt) -> None:
    for url, kind in ((line.urls[0], "deployment-not-found"), (line.bundle, "invalid-bundle")):
        start, _, digest = url.rpartition("/")
        answer = line.edge.get(f"{start}/{spoilt(digest)}")
        # A path with a NUL is no path of ours at all.
        expected = "" if "%00" in str(answer.request.url.raw_path) else kind
        talk.assert_problem(answer, 404, expected)


def test_a_digest_with_an_encoded_colon_is_the_same_digest(line: Line) -> None:
    assert line.get(line.urls[0].replace("sha256:", "sha256%3A")).status_code == 200


def test_an_id_and_a_digest_that_do_not_belong_together_are_not_found(line: Line) -> None:
    first, second = line.manifest["deployments"]
    url = f"/api/v1/deployments/{first['deploymentId']}/{second['digest']}"
    talk.assert_problem(line.get(url), 404, "deployment-not-found")


@pytest.mark.parametrize("uid", ["00000000-0000-0000-0000-000000000000", "press-1", "%F0%9F%92%A5"])
def test_an_unknown_id_is_not_found(line: Line, uid: str) -> None:
    url = f"/api/v1/deployments/{uid}/{line.manifest['deployments'][0]['digest']}"
    talk.assert_problem(line.get(url), 404, "deployment-not-found")


def test_another_clients_content_looks_as_if_it_did_not_exist(wire: Wire, line: Line) -> None:
    with wire.client("line-5") as other, talk.nothing_written():
        for url, kind in ((line.urls[0], "deployment-not-found"), (line.bundle, "invalid-bundle")):
            nowhere = url[:-4] + ("0000" if not url.endswith("0000") else "1111")
            answers = [other.get(url), other.get(nowhere)]
            for answer in answers:
                talk.assert_problem(answer, 404, kind)
            told = [{**answer.json(), "instance": ""} for answer in answers]
            assert told[0] == told[1]


def test_superseded_content_can_still_be_fetched(line: Line) -> None:
    old = [(url, line.get(url).content) for url in (*line.urls, line.bundle)]
    talk.roll_out(line.devices, "2.0.0")
    new = line.ask().urls
    assert set(new).isdisjoint(url for url, _ in old)
    for url, content in old:
        assert line.get(url).content == content


def test_content_that_was_never_published_cannot_be_fetched(line: Line) -> None:
    talk.roll_out(line.devices, "2.0.0")
    waiting = Revision.objects.filter(target_version=None)
    assert waiting.count() == 2
    ghost = Manifest.objects.get(version=1)
    with talk.nothing_written():
        for revision in waiting:
            url = f"/api/v1/deployments/{revision.workload.uid}/sha256:{'0' * 64}"
            talk.assert_problem(line.get(url), 404, "deployment-not-found")
    assert ghost.entries == Manifest.objects.get().entries


def test_a_retired_client_gets_no_content(line: Line) -> None:
    client = talk.client_of(line.devices[0])
    client.state = "retired"
    client.save(update_fields=["state"])
    for url in (line.urls[0], line.bundle):
        talk.assert_problem(line.get(url), 403, "not-authorized")


def test_the_first_fetch_is_noted_and_the_second_writes_nothing(line: Line) -> None:
    line.get(line.urls[0])
    assert Instance.objects.exclude(fetched_at=None).count() == 1
    line.get(line.bundle)
    assert Instance.objects.exclude(fetched_at=None).count() == 2
    assert set(Instance.objects.values_list("progress_words", flat=True)) == {
        "Fetched the new version"
    }
    with talk.nothing_written():
        for url in (*line.urls, line.bundle):
            line.get(url)


def test_the_same_set_makes_the_same_bundle_and_another_set_another(wire: Wire, line: Line) -> None:
    first = line.bundle
    plant.a_rollout(
        [plant.a_device(talk.client_of(line.devices[0]), "gw/press-2")],
        plant.a_version("1.0.0", app_id="pump"),
    )
    assert line.ask().bundle != first
    assert len(line.urls) == 3
    assert json.dumps(line.ask().manifest) == json.dumps(line.manifest)


def test_a_client_without_deployments_has_no_bundle_to_fetch(wire: Wire) -> None:
    with wire.client("line-6") as edge:
        assert edge.get(talk.MANIFEST).json()["bundle"] is None
        empty = talk.sha(b"")
        talk.assert_problem(edge.get(f"/api/v1/bundles/{empty}"), 404, "invalid-bundle")
    assert Manifest.objects.get().bundle is None


def test_a_device_reads_parameters_even_when_there_are_none(wire: Wire) -> None:
    bare = plant.a_version("1.0.0", app_id="bare", parameters={}, sections=[], schemas={})
    with wire.client("line-7") as edge:
        talk.a_plant(wire, name="line-7", version=bare)
        (entry,) = edge.get(talk.MANIFEST).json()["deployments"]
        assert yaml.safe_load(edge.get(entry["url"]).content)["spec"]["parameters"] == {}
