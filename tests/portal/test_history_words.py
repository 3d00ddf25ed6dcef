"""A line of the history begins with a word that says what was done, and does not say it twice."""

import pytest
from django.urls import reverse

from deployments import history
from deployments.deeds import DEEDS
from tests import cast
from tests.deployments import plant


@pytest.mark.parametrize(
    ("sentence", "rest"),
    [
        ("Started for 2 devices.", "for 2 devices."),
        ("Started: at last.", "at last."),
        ("Started.", ""),
        ("Startedly it went.", "Startedly it went."),
        ("It was started.", "It was started."),
    ],
)
def test_a_word_that_stands_before_the_sentence_is_not_said_twice(sentence, rest):
    at = history.Place(plant.NOON, history.EVENT, 1)
    line = history.Line(at, "ann", DEEDS["started"].look, "deployment", 1, "Mixers", sentence)
    assert line.rest == rest


@pytest.mark.django_db
def test_the_page_says_it_once_and_the_file_in_full():
    plant.a_rollout([plant.a_device()])
    browser = cast.sign_in(cast.operator())
    text = browser.get(reverse("admin:deployments_event_changelist")).content.decode()
    assert "for 1 device." in text
    assert "Started for 1 device." not in text
    file = browser.get(reverse("admin:deployments_event_file"))
    assert b"Started for 1 device." in b"".join(file.streaming_content)
