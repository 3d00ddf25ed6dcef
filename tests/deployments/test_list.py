"""The list of deployments: what it shows, filters that combine, and what it costs."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deployments import moves
from deployments.models import Deployment
from deployments.states import Stage
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db
LIST = "/deployments/deployment/"


def named(deployment: Deployment, name: str, **values: object) -> Deployment:
    Deployment.objects.filter(pk=deployment.pk).update(name=name, **values)
    deployment.refresh_from_db()
    return deployment


@pytest.fixture
def three():
    """A finished rollout, one under way and a draft, of two applications."""
    version, other = plant.a_version(), plant.a_version(app_id="press")
    device, slow = plant.a_device(), plant.a_device()
    finished = named(plant.a_rollout([device], version), "Finished one")
    plant.install(device)
    plant.tick(finished)
    running = named(plant.a_rollout([slow], version), "Running one")
    draft = named(plant.a_draft([device], other), "Drafted one")
    return finished, running, draft


def names_in(answer) -> set[str]:
    text = answer.content.decode()
    return {name for name in ("Finished one", "Running one", "Drafted one") if name in text}


def test_each_row_says_name_application_status_stage_strategy_and_how_many_succeeded(three):
    text = cast.sign_in(cast.viewer()).get(LIST).content.decode()
    assert "Finished one" in text
    assert "Mixer" in text
    assert "Completed" in text
    assert "Immediate" in text
    assert "1/1 successful" in text
    assert "0/1 successful" in text


def test_there_is_one_filter_called_status_and_addresses_with_the_other_still_work(three):
    answer = cast.sign_in(cast.viewer()).get(LIST + "?status=installing")
    words = [menu.words for menu in answer.context["menus"]]
    assert words == ["Status", "Strategy", "Application", "Sort by"]
    assert "Waiting for a go-ahead" in [one.words for one in answer.context["menus"][0].choices]
    assert [chip.label for chip in answer.context["chips"]] == ["Margo status"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("", {"Finished one", "Running one", "Drafted one"}, id="everything"),
        pytest.param("?status=installing", {"Running one"}, id="status"),
        pytest.param("?stage=completed", {"Finished one"}, id="stage"),
        pytest.param("?strategy=immediate&stage=draft", {"Drafted one"}, id="two filters at once"),
        pytest.param("?q=running", {"Running one"}, id="search by name"),
        pytest.param("?q=press", {"Drafted one"}, id="search by application"),
        pytest.param("?q=mixer+finished", {"Finished one"}, id="every word must be found"),
        pytest.param("?q=nothing+like+it", set(), id="nothing found"),
        pytest.param("?stage=nonsense", {"Finished one", "Running one", "Drafted one"}, id="bad"),
        pytest.param("?application=99999999999999999999999", None, id="absurd application"),
        pytest.param("?p=77", {"Finished one", "Running one", "Drafted one"}, id="page too far"),
    ],
)
def test_filters_and_search(three, query, found):
    answer = cast.sign_in(cast.viewer()).get(LIST + query)
    assert answer.status_code == 200
    if found is not None:
        assert names_in(answer) == found


def test_the_application_filter_keeps_the_others_in_the_address(three):
    application = three[2].version.application
    text = (
        cast.sign_in(cast.viewer())
        .get(f"{LIST}?application={application.pk}&q=one")
        .content.decode()
    )
    assert names_in_text(text) == {"Drafted one"}
    assert f"?application={application.pk}&amp;q=one&amp;stage=draft" in text
    assert 'aria-label="Remove Application: Press"' in text


def names_in_text(text: str) -> set[str]:
    return {name for name in ("Finished one", "Running one", "Drafted one") if name in text}


@pytest.mark.parametrize(
    ("order", "first"),
    [
        pytest.param("name", "Drafted one", id="name"),
        pytest.param("-name", "Running one", id="name backwards"),
        pytest.param("-updated", "Finished one", id="newest change first"),
        pytest.param("status", "Finished one", id="status"),
    ],
)
def test_sorting(three, order, first):
    Deployment.objects.filter(name="Finished one").update(updated_at=plant.after(9999))
    page = cast.sign_in(cast.viewer()).get(f"{LIST}?o={order}").context["page"]
    assert page.object_list[0].name == first


def test_a_deleted_deployment_is_not_listed(three):
    finished = three[0]
    moves.delete(finished, actor=None, now=plant.NOON)
    assert names_in(cast.sign_in(cast.viewer()).get(LIST)) == {"Running one", "Drafted one"}


def test_fifty_rows_on_a_page():
    version = plant.a_version()
    for _ in range(51):
        plant.a_draft([], version)
    browser = cast.sign_in(cast.viewer())
    assert len(browser.get(LIST).context["lines"]) == 50
    assert len(browser.get(f"{LIST}?p=2").context["lines"]) == 1


def test_thirty_rows_cost_as_many_queries_as_two():
    version = plant.a_version()
    browser = cast.sign_in(cast.viewer())
    for _ in range(2):
        plant.a_ready_deployment([plant.a_device()], version)
    browser.get(LIST)
    few, many = (queries_of(browser, more) for more in (0, 28))
    assert few == many


def queries_of(browser, more: int) -> int:
    for _ in range(more):
        plant.a_ready_deployment([plant.a_device()], plant.a_version(app_id=f"app-{more}-{_}"))
    with CaptureQueriesContext(
        connection,
    ) as seen:
        browser.get(LIST)
    return len(seen)


@pytest.mark.parametrize(
    ("who", "offered"),
    [
        pytest.param(cast.viewer, False, id="viewer"),
        pytest.param(cast.operator, True, id="operator"),
        pytest.param(cast.admin, True, id="admin"),
    ],
)
def test_an_empty_list_says_what_to_do_next(who, offered):
    text = cast.sign_in(who()).get(LIST).content.decode()
    assert "Nothing has been rolled out yet" in text
    assert (reverse("admin:deployments_deployment_new") in text) is offered


def test_nobody_without_a_role_sees_the_list():
    assert cast.sign_in(cast.person(None)).get(LIST).status_code == 302


def test_names_are_text_and_never_markup():
    named(plant.a_draft([]), "<script>alert(1)</script>")
    text = cast.sign_in(cast.viewer()).get(LIST).content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize("stage", list(Stage), ids=str)
def test_every_stage_is_a_filter(stage):
    made = stages.in_each_stage()
    expected = {one.pk for one in made.values() if one.stage == stage}
    answer = cast.sign_in(cast.viewer()).get(f"{LIST}?stage={stage.value}")
    assert {line.deployment.pk for line in answer.context["lines"]} == expected
    assert expected
