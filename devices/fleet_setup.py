"""Making a simulated fleet ready: keys, SVIDs and clients that the portal has accepted."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from django.conf import settings

from devices import onboarding
from devices.identity import files
from devices.identity.authority import Authority, new_key
from devices.identity.errors import IdentityError
from devices.identity.spiffe import client_id
from devices.models import Client
from devices.simulator.flags import to_arguments
from devices.simulator.state import state_path

_RENEW_BEFORE = timedelta(days=30)


def prepare_fleet(
    directory: Path, *, clients: int, prefix: str = "edge", now: datetime
) -> list[str]:
    """Make `clients` clients ready to run from `directory` and return their names.

    What is there already is kept; what is missing, near its end or of another authority is made
    anew. A client that was retired stays so. Raises `IdentityError` without an authority of our
    own and OSError when the directory cannot be written.
    """
    authority = Authority.load(settings.IDENTITY_DIR)
    names = [f"{prefix}-{number:05}" for number in range(1, clients + 1)]
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        _equip(directory / "clients" / name, name, authority, now)
    files.write(directory / "bundle.json", files.read(settings.TRUST_BUNDLE))
    by_id = {client_id(authority.trust_domain, authority.wfm_id, name): name for name in names}
    _let_in(by_id, directory, now)
    return names


def start_fleet(directory: Path, flags: Mapping[str, object]) -> subprocess.Popen[bytes]:
    """Start the simulator on a prepared directory, as a process that dies with this thread.

    `flags` are the simulator's own, by name; those it does not know are left out. The device
    interface is the portal's unless `url` says otherwise.
    """
    url = f"https://{settings.DEVICE_HOST}:{settings.DEVICE_PORT}"
    arguments = to_arguments({"url": url, **flags, "with-parent": os.getpid()})
    program = [sys.executable, "-m", "devices.simulator", "--fleet", str(directory)]
    # Ctrl-C is for us to pass on: a program that is still being loaded would meet it with a
    # stack trace.
    return subprocess.Popen([*program, *arguments], cwd=settings.BASE_DIR, start_new_session=True)


def _equip(folder: Path, name: str, authority: Authority, now: datetime) -> None:
    if _is_good(folder, authority, now):
        return
    folder.mkdir(parents=True, exist_ok=True)
    key = new_key()
    issued = authority.issue(name, key.public_key(), now=now)
    files.write(folder / "key.pem", files.pem_of_key(key))
    files.write(folder / "svid.pem", issued.chain_pem)


def _is_good(folder: Path, authority: Authority, now: datetime) -> bool:
    try:
        svid = files.read_chain(folder / "svid.pem")[0]
        key = files.read_key(folder / "key.pem")
        svid.verify_directly_issued_by(authority.certificate)
    except (IdentityError, InvalidSignature, ValueError, TypeError):
        return False
    fits = svid.public_key() == key.public_key()
    return fits and svid.not_valid_after_utc - now > _RENEW_BEFORE


def _let_in(by_id: Mapping[str, str], directory: Path, now: datetime) -> None:
    known = dict(Client.objects.filter(spiffe_id__in=by_id).values_list("spiffe_id", "state"))
    _forget(directory, (name for spiffe_id, name in by_id.items() if spiffe_id not in known))
    retired = {spiffe_id for spiffe_id, state in known.items() if state == Client.State.RETIRED}
    onboarding.accept_many(by_id.keys() - retired, actor=None, now=now)


def _forget(directory: Path, names: Iterable[str]) -> None:
    # To a portal that has never met it a client is new. With a memory of an earlier portal it
    # would refuse every manifest, since the versions start at 1 again.
    for name in names:
        state_path(directory, name).unlink(missing_ok=True)
