"""A large fleet and what its devices did, as rows: what polling and reporting would have left.

Written by set-based SQL for PostgreSQL, since a hundred thousand real polls would take minutes.
The bytes of documents and manifests are those of one device that really polled, with the names of
the others put in.
"""

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from applications.models import ApplicationVersion
from deployments import drafting, engine, moves, publishing, submitting
from deployments.models import Deployment, Instance, Revision
from devices.models import Client, Device
from tests.deployments import plant

SPIFFE = "spiffe://plant.example/margo/wfm/lineside/client/"
#: The workers of the measurement use the real clock, so all this happens now.
BEGUN = datetime.now(UTC)


def run(statement: str, **given: object) -> int:
    """Execute SQL; answers how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return cursor.rowcount


def analyze() -> None:
    """What autovacuum does within a minute or so."""
    run("VACUUM ANALYZE")


def arrive(size: int) -> None:
    """So many devices, each behind a client of its own, with the label `fleet=<size>`."""
    properties = json.dumps(plant.a_device().properties | {"serialNumber": "S"})
    labels = json.dumps({"fleet": str(size)})
    run(
        """
        INSERT INTO devices_client (spiffe_id, name, state, created_at, manifest_version,
            manifest_digest, proved_version, desired_generation, published_generation)
        SELECT %(spiffe)s || name, name, 'accepted', %(now)s, 0, '', 0, 1, 0
        FROM (SELECT 'fleet-' || %(size)s || '-' || lpad(one::text, 6, '0') AS name
              FROM generate_series(1, %(size)s) AS one) AS names
        """,
        spiffe=SPIFFE,
        size=size,
        now=BEGUN,
    )
    columns = (
        "client_id, path, vendor, model_number, serial_number, capabilities, properties, "
        "reported_labels, assigned_labels, failing, created_at"
    )
    run(
        f"""
        WITH made AS (
            INSERT INTO devices_device ({columns})
            SELECT id, name, 'Bench', 'B-1', name, '',
                jsonb_set(%(properties)s::jsonb, '{{id}}', to_jsonb(name)), %(labels)s, '{{}}',
                false, %(now)s
            FROM devices_client WHERE name LIKE 'fleet-' || %(size)s || '-%%' ORDER BY id
            RETURNING id)
        INSERT INTO devices_devicelabel (device_id, key, value)
        SELECT id, 'fleet', %(size)s::text FROM made
        """,
        properties=properties,
        labels=labels,
        size=size,
        now=BEGUN,
    )
    analyze()


def draft(version: ApplicationVersion, targeting: dict[str, object], **strategy: object):
    """A draft for the devices of this fleet."""
    made = drafting.create(
        version=version,
        profile_id="compose",
        name=f"{version}",
        actor=None,
        now=BEGUN,
        targeting=targeting,
    )
    drafting.set_rollout(made, strategy, actor=None, now=BEGUN)
    return made


def everybody(size: int) -> dict[str, object]:
    """The targeting of the whole fleet, as somebody would choose it."""
    return {"labels": f"fleet={size}"}


def first(size: int, number: int) -> dict[str, object]:
    """The targeting of the first devices of the fleet."""
    chosen = Device.objects.filter(client__name__startswith=f"fleet-{size}-").order_by("pk")
    return {"ids": list(chosen.values_list("pk", flat=True)[:number])}


def start(draft: Deployment) -> Deployment:
    """Submit, start."""
    submitting.submit(draft, actor=None, now=BEGUN)
    moves.start(draft, actor=None, now=BEGUN)
    return draft


def tick_until_idle(deployment: Deployment, now: datetime = BEGUN) -> None:
    """Look until there is nothing more to do at this moment, and no worker is at it either."""
    looked_at = Deployment.objects.filter(pk=deployment.pk, claimed_until__isnull=False)
    while engine.tick(deployment.pk, now=now) or looked_at.exists():
        time.sleep(0.01)
    deployment.refresh_from_db()


def poll_all(deployment: Deployment) -> int:
    """Every released device polls and fetches its document; answers how many did."""
    pattern = _pattern(deployment)
    now = BEGUN + timedelta(seconds=1)
    run("DROP TABLE IF EXISTS polled")
    run(
        """
        CREATE TEMP TABLE polled AS
        SELECT i.id AS instance, r.id AS revision, c.id AS client, w.uid::text AS uid,
            c.manifest_version + 1 AS version,
            convert_to(replace(replace(%(document)s, %(uid)s, w.uid::text), %(path)s, d.path),
                'UTF8') AS document
        FROM deployments_instance i
        JOIN deployments_revision r ON r.id = i.revision_id
        JOIN deployments_workload w ON w.id = i.workload_id
        JOIN devices_device d ON d.id = i.device_id
        JOIN devices_client c ON c.id = d.client_id
        WHERE i.deployment_id = %(deployment)s AND r.target_version IS NULL
        """,
        **pattern,
        deployment=deployment.pk,
    )
    run("ALTER TABLE polled ADD digest text, ADD body bytea")
    run("UPDATE polled SET digest = 'sha256:' || encode(sha256(document), 'hex')")
    run(
        """
        UPDATE polled SET body = convert_to(
            replace(replace(%(body)s, %(uid)s, uid), %(digest)s, digest), 'UTF8')
        """,
        **pattern,
    )
    run(
        """
        UPDATE deployments_revision r SET document = p.document, digest = p.digest,
            target_version = p.version FROM polled p WHERE r.id = p.revision
        """
    )
    run(
        """
        INSERT INTO deployments_manifest (client_id, version, digest, body, bundle_digest, bundle,
            entries, published_at)
        SELECT client, version, 'sha256:' || encode(sha256(body), 'hex'), body,
            'sha256:' || encode(sha256(document || body), 'hex'), %(bundle)s,
            jsonb_build_array(jsonb_build_object('uid', uid, 'digest', digest, 'size',
                length(document))), %(now)s
        FROM polled
        """,
        now=now,
        **pattern,
    )
    run(
        """
        UPDATE devices_client c SET manifest_version = p.version, proved_version = p.version,
            manifest_digest = 'sha256:' || encode(sha256(p.body), 'hex'),
            published_generation = desired_generation
        FROM polled p WHERE c.id = p.client
        """
    )
    return run(
        """
        UPDATE deployments_instance i SET progress = 35, fetched_at = %(now)s, changed_at = %(now)s,
            progress_words = 'Fetched the new version', changes = changes + 1
        FROM polled p WHERE i.id = p.instance
        """,
        now=now,
    )


def install_all(deployment: Deployment) -> None:
    """Every device that fetched it reports it installed; the engine takes note."""
    now = BEGUN + timedelta(seconds=2)
    run(
        """
        INSERT INTO deployments_statusreport (workload_id, revision_id, received_at, state,
            adopted_version, components, error, counted, remark)
        SELECT i.workload_id, i.revision_id, %(now)s, 'installed', r.target_version, '[]', '',
            true, ''
        FROM deployments_instance i JOIN deployments_revision r ON r.id = i.revision_id
        WHERE i.deployment_id = %(deployment)s AND i.state = 'pending'
        """,
        deployment=deployment.pk,
        now=now,
    )
    mine = Instance.objects.filter(deployment=deployment, state="pending")
    Revision.objects.filter(pk__in=mine.values("revision")).update(installed_at=now)
    run(
        """
        UPDATE deployments_workload w SET state = 'installed', installed_id = wanted_id,
            reported_at = %(now)s
        FROM deployments_instance i WHERE i.workload_id = w.id
            AND i.deployment_id = %(deployment)s AND i.state = 'pending'
        """,
        deployment=deployment.pk,
        now=now,
    )
    run(
        """
        UPDATE deployments_instance SET state = 'installed', progress = 100,
            progress_words = 'Installed', ended_at = %(now)s, changed_at = %(now)s,
            changes = changes + 1, unjudged = true
        WHERE deployment_id = %(deployment)s AND state = 'pending'
        """,
        deployment=deployment.pk,
        now=now,
    )
    tick_until_idle(deployment, now)


def ran_before(version: ApplicationVersion, targeting: dict[str, object]) -> Deployment:
    """A rollout of this version to all of these devices at once, finished long ago."""
    made = start(draft(version, targeting))
    tick_until_idle(made)
    poll_all(made)
    install_all(made)
    analyze()
    return made


def _pattern(deployment: Deployment) -> dict[str, object]:
    """What one device gets that really polls; it is left as it was."""
    mine = Instance.objects.filter(deployment=deployment, revision__target_version=None)
    one = mine.exclude(revision=None).select_related("device", "workload")[0]
    client = Client.objects.get(pk=one.device.client_id)
    with transaction.atomic():
        publishing.manifest_for(client, now=BEGUN)
        revision = Revision.objects.get(pk=one.revision_id)
        manifest = client.manifests.get(version=client.manifest_version)
        transaction.set_rollback(True)
    document = bytes(revision.document)
    assert hashlib.sha256(document).hexdigest() in revision.digest
    return {
        "document": document.decode(),
        "body": bytes(manifest.body).decode(),
        "bundle": bytes(manifest.bundle),
        "uid": str(one.workload.uid),
        "path": one.device.path,
        "digest": revision.digest,
    }
