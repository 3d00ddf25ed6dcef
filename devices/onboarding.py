"""The operator's decisions about clients: enrol, accept, retire."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from devices import departures
from devices.identity.errors import IdentityError
from devices.identity.spiffe import ClientIdentity
from devices.models import Client, Device

_CHUNK = 500


class OnboardingRefusedError(Exception):
    """The decision cannot be taken, and why."""


def enrol(spiffe_id: str, *, accepted: bool, actor: User | None, now: datetime) -> Client:
    """Make an identity known, as accepted or as pending, and return its client.

    A client that is known already keeps the state it has: a new certificate is no new decision.
    Raises `OnboardingRefusedError` when the id is not that of a client.
    """
    with transaction.atomic():
        Client.objects.bulk_create([_new_client(spiffe_id, now)], ignore_conflicts=True)
        client = Client.objects.get(spiffe_id=spiffe_id)
        fresh = client.state == Client.State.PENDING and client.created_at == now
        if accepted and fresh:
            accept(client, actor=actor, now=now)
    return client


def accept(client: Client, *, actor: User | None, now: datetime) -> bool:
    """Let the client in, also one that was retired; return whether that changed anything.

    Its manifest counter goes on where it stood, since devices refuse a version they have seen.
    """
    one = Client.objects.filter(pk=client.pk)
    changed = _accept(one, actor, now)
    client.refresh_from_db()
    return bool(changed)


def accept_many(spiffe_ids: Iterable[str], *, actor: User | None, now: datetime) -> int:
    """Let in all these identities, new ones too; return for how many that changed anything.

    All or none: raises `OnboardingRefusedError` when one of them is not the id of a client.
    """
    wanted = [_new_client(spiffe_id, now) for spiffe_id in sorted(set(spiffe_ids))]
    changed = 0
    with transaction.atomic():
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            Client.objects.bulk_create(chunk, ignore_conflicts=True)
            ids = [client.spiffe_id for client in chunk]
            changed += _accept(Client.objects.filter(spiffe_id__in=ids), actor, now)
    return changed


def retire(client: Client, *, actor: User | None, now: datetime) -> bool:
    """Turn the client away from its next request on; return whether that changed anything.

    The row and its manifest counter stay for good.
    """
    with transaction.atomic():
        one = Client.objects.filter(pk=client.pk).exclude(state=Client.State.RETIRED)
        changed = one.update(state=Client.State.RETIRED, retired_at=now)
        if changed:
            _note([client], actor, "Retired.")
            theirs = Device.objects.filter(client=client)
            departures.announce(theirs, "The device's client was retired.", now)
    client.refresh_from_db()
    return bool(changed)


def _accept(clients: QuerySet[Client], actor: User | None, now: datetime) -> int:
    with transaction.atomic():
        waiting = list(clients.exclude(state=Client.State.ACCEPTED))
        changed = (
            Client.objects.filter(pk__in=[client.pk for client in waiting])
            .exclude(state=Client.State.ACCEPTED)
            .update(state=Client.State.ACCEPTED, accepted_at=now, retired_at=None)
        )
        _note(waiting, actor, "Accepted.")
        back = Device.objects.present().filter(client__in=[client.pk for client in waiting])
        departures.announce_return(back, now)
    return changed


def _new_client(spiffe_id: str, now: datetime) -> Client:
    try:
        identity = ClientIdentity.parse(spiffe_id)
    except IdentityError as refusal:
        raise OnboardingRefusedError(str(refusal)) from refusal
    client = Client(spiffe_id=spiffe_id, name=identity.name, state="pending", created_at=now)
    try:
        client.clean_fields()
    except ValidationError as error:
        raise OnboardingRefusedError(f"{spiffe_id} is too long to be kept.") from error
    return client


def _note(clients: list[Client], actor: User | None, words: str) -> None:
    if actor is not None and clients:
        LogEntry.objects.log_actions(actor.pk, clients, CHANGE, change_message=words)
