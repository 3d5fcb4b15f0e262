"""How states look."""

from __future__ import annotations

import pytest
from django.db import models
from django.db.migrations.writer import MigrationWriter

from apps.core.ui.glyphs import GLYPHS
from apps.core.ui.status import VOCABULARY, StatusChoices, StatusLook, look


class Oven(StatusChoices):
    HOT = "hot_enough", "Hot", "ok"
    BURNT = "burnt_down", "Burnt down", "bad"
    COLD = "cold_as_ice", "Cold", "wait"


class Kiln(StatusChoices):
    HOT = "hot_enough", "Firing", "run"
    COLD = "cold_as_ice", "Cold", "wait"


def test_a_member_knows_its_word_its_tone_and_its_silhouette() -> None:
    assert Oven.BURNT.look == StatusLook("Burnt down", "is-bad", "bad")
    assert Oven.BURNT.label == "Burnt down"
    assert Oven.BURNT == "burnt_down"
    assert Oven("burnt_down") is Oven.BURNT


def test_django_and_its_migrations_see_plain_choices() -> None:
    assert Oven.choices == [("hot_enough", "Hot"), ("burnt_down", "Burnt down"), ("cold_as_ice", "Cold")]
    field = models.CharField(max_length=16, choices=Oven.choices, default=Oven.COLD)
    written, imports = MigrationWriter.serialize(field)
    assert "'cold_as_ice', 'Cold'" in written
    assert "default='cold_as_ice'" in written
    assert imports == {"from django.db import models"}


def test_a_plain_value_out_of_the_database_finds_its_look() -> None:
    assert look("burnt_down") == Oven.BURNT.look


def test_a_value_with_two_looks_asks_which_one_is_meant() -> None:
    with pytest.raises(LookupError, match="Kiln"):
        look("hot_enough")
    assert look("hot_enough", "Kiln").label == "Firing"


def test_a_value_that_looks_the_same_everywhere_needs_no_name() -> None:
    assert look("cold_as_ice").label == "Cold"


@pytest.mark.parametrize(("value", "word"), [("never_seen", "Never seen"), ("", "No data"), (None, "No data")])
def test_what_nobody_declared_is_unknown_never_healthy(value: str | None, word: str) -> None:
    assert look(value) == StatusLook(word, "is-mute", "unknown")


def test_every_look_has_a_drawn_glyph() -> None:
    assert {glyph for _, glyph in VOCABULARY.values()} <= set(GLYPHS)


def test_every_declared_state_of_the_portal_has_a_look() -> None:
    for vocabulary in StatusChoices.__subclasses__():
        for state in vocabulary:
            assert state.look.label == state.label


def test_every_vocabulary_has_a_name_of_its_own():
    names = [vocabulary.__name__ for vocabulary in StatusChoices.__subclasses__()]
    assert sorted({name for name in names if names.count(name) > 1}) == []
