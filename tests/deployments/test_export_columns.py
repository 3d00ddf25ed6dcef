"""The file of a deployment's devices names the client of each and the version that ran before."""

import csv

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deployments import device_rows
from deployments.models import Deployment
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db


def exported(browser, rollout: Deployment) -> list[dict[str, str]]:
    url = reverse("admin:deployments_deployment_export", args=[rollout.pk])
    text = b"".join(browser.get(url).streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def test_each_row_names_the_client_and_what_ran_before():
    client = plant.a_client("gateway")
    sent, waiting, fresh = (plant.a_device(client, f"gateway/{n}") for n in ("a", "b", "c"))
    before = plant.a_rollout([sent, waiting], plant.a_version("1.0.0"))
    for device in (sent, waiting):
        plant.install(device)
    plant.tick(before)
    rules = {"kind": "rolling", "batch_by": "size", "batch_size": 1, "batch_gate": "manual"}
    rollout = plant.a_rollout([sent, waiting, fresh], plant.a_version("2.0.0"), **rules)
    rows = exported(cast.sign_in(cast.viewer()), rollout)
    assert [(row["client"], row["device"], row["ran before"]) for row in rows] == [
        ("gateway", "gateway/a", "1.0.0"),
        ("gateway", "gateway/b", "1.0.0"),
        ("gateway", "gateway/c", ""),
    ]
    plant.install(sent)
    plant.tick(rollout)
    assert exported(cast.sign_in(cast.operator()), rollout)[0]["ran before"] == "1.0.0"


def test_columns_that_people_know_stay_where_they_are():
    assert device_rows.HEADER[0] == "device"
    assert device_rows.HEADER[-3:] == ("ended", "client", "ran before")


def test_the_file_costs_the_same_for_any_number_of_devices():
    browser, version = cast.sign_in(cast.viewer()), plant.a_version()
    costs = []
    for number in (3, 30):
        rollout = plant.a_ready_deployment(stages.some(number), version)
        with CaptureQueriesContext(connection) as seen:
            exported(browser, rollout)
        costs.append(len(seen))
    assert costs[0] == costs[1]
