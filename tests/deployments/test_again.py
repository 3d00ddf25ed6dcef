"""Deploy again: what is over is the start of a new draft; and names that tell drafts apart."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from applications.models import ApplicationVersion
from deployments import drafting, moves, naming
from deployments.models import Deployment
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db


def press(browser, deployment: Deployment):
    return browser.post(reverse("admin:deployments_deployment_again", args=[deployment.pk]))


def test_a_new_draft_has_the_same_choices_and_opens_at_its_review():
    rollout = stages.held(plant.a_version())
    moves.cancel(rollout, actor=None, now=plant.NOON)
    plant.tick(rollout)
    Deployment.objects.filter(pk=rollout.pk).update(parameters={"Speed": 7})
    operator = cast.operator()
    answer = press(cast.sign_in(operator), rollout)
    draft = Deployment.objects.latest("pk")
    step = reverse("admin:deployments_deployment_step", args=[draft.pk, drafting.REVIEW])
    assert answer.headers["Location"] == step
    assert (draft.name, draft.stage, draft.parameters) == ("Rollout (2)", "draft", {"Speed": 7})
    assert (draft.version, draft.profile_id) == (rollout.version, rollout.profile_id)
    assert (draft.strategy, draft.targeting) == (rollout.strategy, rollout.targeting)
    assert (draft.created_by, draft.authors) == (operator, [operator.pk])
    assert cast.sign_in(operator).get(step).status_code == 200


@pytest.mark.parametrize("name", stages.MADE)
def test_the_button_is_there_once_it_is_over_for_those_who_may_create(name):
    stage, make = stages.MADE[name]
    deployment = make(plant.a_version())
    page = reverse("admin:deployments_deployment_page", args=[deployment.pk])
    live = reverse("admin:deployments_deployment_live", args=[deployment.pk])
    over = stage in {"completed", "cancelled", "rolled_back"}
    browser = cast.sign_in(cast.operator())
    button = browser.get(page).content.decode().split("Deploy again")[0].split("<form")[-1]
    assert ("hidden>" not in button) is over
    assert ("again" in browser.get(live).json()["deployment"]["actions"]) is over
    assert "Deploy again" not in cast.sign_in(cast.viewer()).get(page).content.decode()
    press(browser, deployment)
    assert Deployment.objects.count() == (2 if over else 1)


def test_a_version_that_cannot_be_used_any_more_is_refused_with_a_sentence():
    done = stages.completed(plant.a_version())
    ApplicationVersion.objects.update(state="deprecated")
    answer = press(cast.sign_in(cast.operator()), done)
    said = " ".join(str(message) for message in get_messages(answer.wsgi_request))
    assert said == "Mixer 1.0.0 is deprecated: choose another version."
    assert Deployment.objects.count() == 1


def test_what_was_deleted_from_the_lists_is_not_deployed_again():
    done = stages.completed(plant.a_version())
    moves.delete(done, actor=None, now=plant.NOON)
    press(cast.sign_in(cast.operator()), done)
    assert Deployment.objects.count() == 1


@pytest.mark.parametrize(
    ("taken", "wanted", "free"),
    [
        ([], "Mixer 1.0.0", "Mixer 1.0.0"),
        (["Mixer 1.0.0"], "Mixer 1.0.0", "Mixer 1.0.0 (2)"),
        (["Mixer 1.0.0", "Mixer 1.0.0 (4)"], "Mixer 1.0.0 (4)", "Mixer 1.0.0 (5)"),
        (["Mixer 1.0.0 to line 4", "Mixer 1.0.0 (x)"], "Mixer 1.0.0", "Mixer 1.0.0"),
        (["a" * 191], "a" * 200, "a" * 191 + " (2)"),
    ],
)
def test_a_name_that_is_taken_gets_a_number(taken, wanted, free):
    version = plant.a_version()
    for name in taken:
        Deployment.objects.filter(pk=plant.a_draft([], version).pk).update(name=name)
    assert naming.free(wanted) == free


def test_drafts_without_a_name_are_told_apart_and_a_deleted_one_takes_no_name():
    version, asked = plant.a_version(), {"profile_id": "compose", "actor": None, "now": plant.NOON}
    names = [drafting.create(version=version, name=" ", **asked).name for _ in range(3)]
    assert names == ["Mixer 1.0.0", "Mixer 1.0.0 (2)", "Mixer 1.0.0 (3)"]
    assert drafting.create(version=version, name="Mixer 1.0.0", **asked).name == "Mixer 1.0.0"
    Deployment.objects.update(hidden_at=plant.NOON)
    assert drafting.create(version=version, name="", **asked).name == "Mixer 1.0.0"
