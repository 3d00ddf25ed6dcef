"""A client's desired state as published: manifests, documents and bundles, by exact bytes.

Publishing is lazy: a manifest is built when its client polls and its generation is ahead, or a
rollback has yet to come to one of its devices, which is then put back at once. What was published
is stored as bytes and served as those bytes, never made again (Margo: desired state, exact bytes
rule).
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from deployments import document, events
from deployments.models import Manifest, Revision
from deployments.moves import instances, restoring
from devices.models import Client

#: Taking back and publishing may cross; the second look then sees who won.
ATTEMPTS = 3


class PublishingError(Exception):
    """The manifest could not be built because its content kept changing; the next poll tries."""


@dataclass(frozen=True, slots=True)
class Published:
    """A manifest as a client gets it."""

    version: int
    digest: str
    body: bytes


def is_current(client: Client) -> bool:
    """Whether what was published to this client is still what it shall run."""
    return _is_published(client) and not restoring.is_due_at(client)


def manifest_for(client: Client, *, now: datetime) -> Published:
    """The client's manifest, built and published first if its desired state has changed.

    Answers the newest bytes; the version goes up by one only when the set of documents differs
    (Margo: manifestVersion is strictly greater for every new manifest, the first is 1).
    """
    if not is_current(client):
        for _ in range(ATTEMPTS):
            if _publish(client.pk, now):
                break
        else:
            raise PublishingError("The desired state changed while it was being published.")
        client.refresh_from_db()
    row = Manifest.objects.only("version", "digest", "body").get(
        client=client, version=client.manifest_version
    )
    return Published(row.version, row.digest, bytes(row.body))


def prove(client: Client, version: int, *, now: datetime) -> None:
    """Notes durably that the client holds this manifest: it fetched it, or showed its ETag."""
    if client.proved_version >= version:
        return
    with transaction.atomic():
        ahead = Client.objects.filter(pk=client.pk, proved_version__lt=version)
        if ahead.update(proved_version=version):
            current = Revision.objects.filter(
                workload__device__client=client,
                wanted_by__isnull=False,
                target_version__lte=version,
            )
            held = list(current.values_list("pk", flat=True))
            instances.saw_manifest(held, version, now)
            _ring_for(held)
    client.proved_version = version


def document_for(client: Client, uid: str, digest: str, *, now: datetime) -> bytes | None:
    """The bytes of one published document of this client, or None where there are none."""
    if not document.is_digest(digest):
        return None
    published = Revision.objects.filter(
        workload__device__client=client, digest=digest, target_version__isnull=False
    )
    rows = published.select_related("workload").defer("version", "deployment")
    row = next((one for one in rows if str(one.workload.uid) == uid.lower()), None)
    if row is None or row.document is None:
        return None
    _note_fetch([row.pk], now)
    return bytes(row.document)


def bundle_for(client: Client, digest: str, *, now: datetime) -> bytes | None:
    """The bytes of one of this client's bundles, or None where there is none."""
    if not document.is_digest(digest):
        return None
    row = Manifest.objects.filter(client=client, bundle_digest=digest).order_by("-version").first()
    if row is None or row.bundle is None:
        return None
    entries = [entry["digest"] for entry in row.entries]
    held = Revision.objects.filter(workload__device__client=client, digest__in=entries)
    _note_fetch(list(held.filter(target_version__isnull=False).values_list("pk", flat=True)), now)
    return bytes(row.bundle)


def _note_fetch(revisions: list[int], now: datetime) -> None:
    with transaction.atomic():
        for deployment_pk in instances.fetched(revisions, now):
            events.ring(deployment_pk)
            events.nudge(deployment_pk)


def _ring_for(revisions: list[int]) -> None:
    concerned = Revision.objects.filter(pk__in=revisions, instances__holds=True)
    for pk in concerned.values_list("deployment_id", flat=True).distinct():
        events.ring(pk)


def _is_published(client: Client) -> bool:
    return client.manifest_version > 0 and client.published_generation == client.desired_generation


@transaction.atomic
def _publish(client_pk: int, now: datetime) -> bool:
    """Builds and stores the manifest under the client's row lock; False: look again."""
    client = Client.objects.select_for_update().get(pk=client_pk)
    try:
        if restoring.restore_at(client, now):
            client.refresh_from_db()
    except IntegrityError:
        # Another deployment took hold of a device in this moment: the second look leaves it to it.
        transaction.set_rollback(True)
        return False
    if _is_published(client):
        return True
    targets = _wanted(client)
    wanted = [revision for revision in targets if not revision.removal]
    for revision in wanted:
        _render(revision)
    entries = [_entry(revision) for revision in wanted]
    current = Manifest.objects.filter(client=client, version=client.manifest_version).first()
    # What is to be taken away once more is in neither manifest: only a newer one tells the device,
    # and only its number tells a report about this try from one about the last.
    removes = any(one.removal and one.target_version is None for one in targets)
    same = current is not None and current.entries == entries and not removes
    version = client.manifest_version if same else client.manifest_version + 1
    if not _mark_as_target(targets, version):
        transaction.set_rollback(True)
        return False
    if not same:
        digest = _store(client, version, wanted, entries, now)
        client.manifest_version, client.manifest_digest = version, digest
    client.published_generation = client.desired_generation
    client.save(update_fields=["manifest_version", "manifest_digest", "published_generation"])
    return True


def _wanted(client: Client) -> list[Revision]:
    """What the client's devices shall run or no longer run, in the order of the manifest."""
    wanted = Revision.objects.filter(
        Q(wanted_by__device__client=client, wanted_by__isnull=False), withdrawn_at=None
    )
    related = "workload__device", "version__application", "deployment"
    return sorted(wanted.select_related(*related), key=lambda one: str(one.workload.uid))


def _render(revision: Revision) -> None:
    """Makes the document of a revision that has none yet; its bytes never change afterwards."""
    if revision.document is not None:
        return
    application_id = revision.version.application.app_id
    revision.document = document.application_deployment(
        uid=str(revision.workload.uid),
        name=document.deployment_name(application_id, revision.workload.device.path),
        namespace=document.namespace_for(application_id),
        device_path=revision.workload.device.path,
        application_id=application_id,
        profile=revision.version.profile(revision.deployment.profile_id) or {},
        parameters=revision.deployment.resolved,
        labels={"applicationVersion": revision.version.version},
        attempt=revision.attempt,
    )
    revision.digest = document.digest(revision.document)


def _entry(revision: Revision) -> dict[str, object]:
    size = len(revision.document or b"")
    return {"uid": str(revision.workload.uid), "digest": revision.digest, "size": size}


def _mark_as_target(wanted: list[Revision], version: int) -> bool:
    """Stores documents and target version of what becomes the target now.

    Guarded against a withdrawal at the same moment: False when one of them was taken back.
    """
    for revision in wanted:
        if revision.target_version is not None:
            continue
        open_row = Revision.objects.filter(pk=revision.pk, target_version=None, withdrawn_at=None)
        values = {"document": revision.document, "digest": revision.digest}
        if open_row.update(target_version=version, **values) != 1:
            return False
    return True


def _store(
    client: Client,
    version: int,
    wanted: list[Revision],
    entries: list[dict[str, object]],
    now: datetime,
) -> str:
    """Stores manifest and bundle and answers the manifest's digest."""
    documents = {str(one.workload.uid): bytes(one.document or b"") for one in wanted}
    archive = document.bundle(documents) if documents else None
    archive_digest = document.digest(archive) if archive else ""
    body = document.manifest(
        version,
        [(uid, document.digest(data), len(data)) for uid, data in documents.items()],
        (archive_digest, len(archive)) if archive else None,
    )
    row = Manifest.objects.create(
        client=client,
        version=version,
        digest=document.digest(body),
        body=body,
        bundle_digest=archive_digest,
        bundle=archive,
        entries=entries,
        published_at=now,
    )
    return row.digest
