"""Two admins who demote each other at the same moment: one of them stays."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.admins import LastAdminError, admins, keeping_an_admin
from accounts.models import User
from accounts.roles import Role, assign, sync_roles
from tests import cast


@pytest.mark.django_db(transaction=True)
def test_demotions_at_once_leave_an_admin() -> None:
    sync_roles()
    people = [cast.person(Role.ADMIN, "first"), cast.person(Role.ADMIN, "second")]
    together = Barrier(2)

    def demote(person: User) -> bool:
        try:
            together.wait(10)
            with keeping_an_admin():
                assign(person, Role.VIEWER)
                # Long enough for the other one to look before this one has committed.
                time.sleep(0.2)
        except LastAdminError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as threads:
        demoted = list(threads.map(demote, people))

    assert sorted(demoted) == [False, True]
    assert admins().count() == 1
