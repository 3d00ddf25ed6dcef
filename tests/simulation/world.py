"""One world: a virtual clock, the fleet, the deployments, and what is remembered between steps."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

from django.db import connection

from deployments import engine, publishing, reports
from deployments.models import Deployment, Revision, Workload
from deployments.states import Status
from devices.models import Client
from tests.deployments.plant import NOON
from tests.simulation import rows
from tests.simulation.fleet import Edge, Said
from tests.simulation.interrupting import DiedError, Interruption
from tests.simulation.plant import Plant
from tests.simulation.reading import (
    Document,
    Entry,
    ReadManifest,
    digest_of,
    read_document,
    read_manifest,
    unpack,
)
from tests.simulation.rules import broken
from tests.simulation.verdicts import after_look, after_report, staleness, standing
from tests.simulation.watching import Watch

_COLUMNS = [field.attname for field in Client._meta.concrete_fields]
_CLIENT = f"SELECT {', '.join(_COLUMNS)} FROM {Client._meta.db_table} WHERE id = %s"


class World:
    """What the steps happen to; also the portal as the modelled fleet sees it."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.now = plant, NOON
        self.edges = plant.edges()
        self.units = [unit for edge in self.edges for unit in edge.units]
        self.deployments: list[int] = []
        self.pages: dict[int, Deployment] = {}
        self.counts: Counter[str] = Counter()
        self.watch = Watch(self)
        self.interruption: Interruption | None = None
        self.unit_of = {
            device.pk: unit for device, unit in zip(plant.devices, self.units, strict=True)
        }
        self.client_of = {device.pk: device.client_id for device in plant.devices}
        self.first_release: set[int] = set()
        self.published: dict[tuple[str, int], bytes] = {}
        self.ids: dict[str, int] = {}
        self.rows = rows.read()

    def later(self, seconds: float) -> None:
        """The clock goes on."""
        self.now += timedelta(seconds=seconds)

    def unseen(self):
        """Around statements of the simulation itself."""
        return self.interruption.unseen() if self.interruption else nullcontext()

    @contextmanager
    def interrupted(self, at: int, instead=None) -> Iterator[Interruption]:
        """What happens inside may end, or be crossed, before its statement number `at`."""
        self.interruption = Interruption(at, instead)
        try:
            with connection.execute_wrapper(self.interruption):
                yield self.interruption
        except DiedError:
            self.counts["crash"] += 1
        finally:
            self.interruption = None

    # The engine

    def beat(self) -> None:
        """What beat does each second; one deployment after the other."""
        for pk in list(engine.due(self.now).order_by("pk").values_list("pk", flat=True)):
            self.tick(pk)

    def tick(self, pk: int) -> None:
        """One look of the engine; the second one at once finds nothing to do."""
        interruption = self.interruption
        due = interruption or engine.due(self.now).filter(pk=pk).exists()
        engine.tick(pk, now=self.now)
        self.counts["tick"] += 1
        if interruption or not due:
            return
        after_look(self.watch.sights[pk], self.now)
        with counting_writes() as writes:
            if engine.tick(pk, now=self.now) or len(writes) != 1:
                broken("10: a second look at once does nothing more", pk, writes)

    # The device interface

    def poll(self, edge: Edge) -> ReadManifest | None:
        """GET /api/v1/deployments with If-None-Match."""
        client = self._client(edge)
        self.counts["poll"] += 1
        if publishing.is_current(client) and edge.etag == client.manifest_digest:
            publishing.prove(client, client.manifest_version, now=self.now)
            return None
        published = publishing.manifest_for(client, now=self.now)
        publishing.prove(client, published.version, now=self.now)
        with self.unseen():
            self._judge_manifest(edge, published)
        if published.digest == edge.etag:
            return None
        edge.etag = published.digest
        return read_manifest(published.body)

    def head(self, edge: Edge) -> None:
        """HEAD: the manifest is made, and the client does not hold it."""
        published = publishing.manifest_for(self._client(edge), now=self.now)
        with self.unseen():
            self._judge_manifest(edge, published)

    def fetch(self, edge: Edge, entry: Entry) -> Document:
        """One document, from the bundle when the client wants several."""
        client = self._client(edge)
        self.counts["fetch"] += 1
        if len(edge.entries) > 1 and edge.bundle:
            archive = publishing.bundle_for(client, edge.bundle, now=self.now)
            data = unpack(archive or b"", edge.bundle).get(entry.uid)
        else:
            data = publishing.document_for(client, entry.uid, entry.digest, now=self.now)
        if data is None:
            broken("12: every byte that a manifest refers to can be fetched", entry)
        document = read_document(data, entry)
        with self.unseen():
            self._judge_document(document, entry)
        return document

    def tell(self, edge: Edge, said: Said) -> None:
        """A status report."""
        with self.unseen():
            workload = Workload.objects.select_related("wanted").get(uid=said.uid)
            stale = staleness(self._client(edge), workload.wanted, said)
            before = standing(workload)
        report = reports.Report(Status(said.state), said.adopted, (), said.error)
        reports.receive(self._client(edge), said.uid, report, now=self.now)
        self.counts["report"] += 1
        self.counts["late report"] += bool(stale)
        self.counts["lie"] += stale == "lie"
        with self.unseen():
            after_report(workload, said, stale, before, alone=self.interruption is None)

    def order(self, uids: list[str]) -> list[str]:
        """By the age of the workload; ids are random, and worlds must not be."""
        if any(uid not in self.ids for uid in uids):
            with self.unseen():
                known = Workload.objects.values_list("uid", "pk")
                self.ids = {str(uid): pk for uid, pk in known}
        return sorted(uids, key=self.ids.__getitem__)

    def _client(self, edge: Edge) -> Client:
        with connection.cursor() as cursor:
            cursor.execute(_CLIENT, [self.plant.clients[edge.index].pk])
            return Client.from_db("default", _COLUMNS, cursor.fetchone())

    def _judge_manifest(self, edge: Edge, published: publishing.Published) -> None:
        """One version, one sequence of bytes; they grow, and they name what is wanted."""
        told = read_manifest(published.body)
        if told.version != published.version or told.version < edge.version:
            broken("19: versions grow", edge.name, published.version, edge.version)
        if digest_of(published.body) != published.digest:
            broken("19: the ETag is the digest of the bytes", edge.name)
        before = self.published.setdefault((edge.name, told.version), published.body)
        if before != published.body:
            broken("19: one version, one sequence of bytes", edge.name, told.version)
        entries = {uid: one.digest for uid, one in told.entries.items()}
        if told.version > 1 and (edge.name, told.version - 1) in self.published:
            last = read_manifest(self.published[edge.name, told.version - 1])
            same = entries == {uid: one.digest for uid, one in last.entries.items()}
            # What is to be taken away once more is in neither.
            if same and not self._removes(edge, told.version):
                broken("19: a new manifest has new content", edge.name, told.version)
        if self.interruption is None:
            self._judge_content(edge, entries)

    def _removes(self, edge: Edge, version: int) -> bool:
        theirs = Revision.objects.filter(workload__device__client=self.plant.clients[edge.index].pk)
        return theirs.filter(removal=True, target_version=version).exists()

    def _judge_content(self, edge: Edge, entries: dict[str, str]) -> None:
        client = self._client(edge)
        if not publishing.is_current(client):
            broken("what was built is current", edge.name)
        wanted = Revision.objects.filter(
            wanted_by__device__client=client, removal=False
        ).values_list("workload__uid", "digest")
        if entries != {str(uid): digest for uid, digest in wanted}:
            broken("the manifest names what is wanted", edge.name, entries, list(wanted))

    def _judge_document(self, document: Document, entry: Entry) -> None:
        revision = Revision.objects.select_related(
            "version__application", "deployment", "workload__device"
        ).filter(workload__uid=entry.uid, digest=entry.digest)[0]
        speed = revision.deployment.resolved["speed"]["value"]
        meant = (
            revision.workload.device.path,
            (revision.version.application.app_id, revision.version.version, str(speed)),
        )
        if (document.device, document.essence) != meant:
            broken("the document is what was chosen", document, meant)


@contextmanager
def counting_writes() -> Iterator[list[str]]:
    """The statements inside that write."""
    writes: list[str] = []

    def look(execute, sql, params, many, context):
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            writes.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield writes
