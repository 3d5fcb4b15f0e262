from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from apps.connectors.records import Kind, Listing
from apps.prompts import services
from apps.prompts.models import LabelMove, PromptLabel
from apps.sources.mapping import Mapper
from tests.factories import make_component, make_environment, make_feature
from tests.prompts.records import NOW, a_label, a_prompt, a_version, days_ago


def tell(source, *records, at=NOW):
    return services.upsert_labels(source=source, records=records, at=at)


def removed(source, *listed):
    listing = Listing(kind=Kind.PROMPT_LABEL, external_ids=frozenset(listed), scope="search-answers")
    return services.mark_absent(source=source, listing=listing, at=NOW)


def story():
    rows = LabelMove.objects.order_by("pk")
    return list(rows.values_list("name", "from_version__number", "to_version__number", "is_rollback"))


def test_a_label_that_moves_leaves_history_and_one_change_event(source, prompt):
    tell(source, a_label(2))
    stored = tell(source, a_label(3))
    assert PromptLabel.objects.get().version.number == 3
    assert story() == [("production", None, 2, False), ("production", 2, 3, False)]
    (event,) = stored.events
    assert event.title == "search-answers prompt: production moved from v2 to v3"
    assert (event.kind, event.is_change, event.actor) == ("prompts:label:moved", True, "Jana Novak")
    moved = {"prompt_id": prompt.pk, "label": "production", "from": 2, "to": 3, "is_rollback": False}
    assert event.data == moved | {"created_at": days_ago(27).isoformat()}
    assert stored.topics == {"prompts", f"prompt-{prompt.pk}"}


def test_the_same_labels_again_write_nothing(source, prompt):
    tell(source, a_label(2))
    stored = tell(source, a_label(2), a_label(2))
    assert (stored.changed, stored.events) == (0, [])
    assert len(story()) == 1


def test_going_back_to_a_version_that_was_live_is_a_rollback(source, prompt):
    for number in (1, 2, 3):
        tell(source, a_label(number))
    stored = tell(source, a_label(2))
    assert story()[-1] == ("production", 3, 2, True)
    assert stored.events[0].title == "search-answers prompt: production rolled back from v3 to v2"


def test_a_lower_number_that_was_never_live_is_no_rollback(source, prompt):
    tell(source, a_label(3))
    tell(source, a_label(1))
    assert story()[-1] == ("production", 3, 1, False)


def test_labels_that_come_with_a_new_source_are_history_and_not_news(source):
    services.upsert_prompts(source=source, records=[a_prompt()], mapper=Mapper(source), at=NOW)
    services.upsert_versions(source=source, records=[a_version(1)], at=NOW)
    stored = tell(source, a_label(1))
    assert (stored.changed, stored.events) == (1, [])
    assert story() == [("production", None, 1, False)]


def test_a_first_import_that_takes_several_polls_tells_no_news(source):
    services.upsert_prompts(source=source, records=[a_prompt()], mapper=Mapper(source), at=days_ago(0.2))
    services.upsert_versions(source=source, records=[a_version(1, created_at=days_ago(0.3))], at=days_ago(0.1))
    assert tell(source, a_label(1)).events == []


def test_a_label_that_is_new_on_a_known_version_is_news(source, prompt):
    (event,) = tell(source, a_label(1, "canary")).events
    assert event.title == "search-answers prompt: canary was set to v1"


def test_a_label_on_a_version_that_is_not_read_yet_waits(source, prompt):
    stored = tell(source, a_label(9))
    assert (stored.changed, stored.rejected) == (0, [])
    services.upsert_versions(source=source, records=[a_version(9)], at=NOW)
    assert tell(source, a_label(9)).changed == 1


def test_a_label_missing_from_a_complete_listing_is_removed_at_once(source, prompt):
    tell(source, a_label(2), a_label(3, "staging"))
    stored = removed(source, "search-answers@staging")
    assert list(PromptLabel.objects.values_list("name", flat=True)) == ["staging"]
    assert story()[-1] == ("production", 2, None, False)
    assert stored.events[0].title == "search-answers prompt: production was removed from v2"
    assert removed(source, "search-answers@staging").changed == 0


def test_a_label_belongs_to_the_environment_of_its_name(source, prompt):
    production = make_environment(slug="production")
    (event,) = tell(source, a_label(2)).events
    assert PromptLabel.objects.get().environment == production
    assert event.environment_id == production.pk


def test_a_move_reaches_the_feature_of_the_prompt(source):
    feature = make_feature()
    make_component(kind="prompt", feature=feature, external_names=["prompt:search-answers"])
    services.upsert_prompts(source=source, records=[a_prompt()], mapper=Mapper(source), at=NOW)
    services.upsert_versions(source=source, records=[a_version(1)], at=NOW)
    assert tell(source, a_label(1)).feature_ids == {feature.pk}


def test_bad_labels_are_refused_alone(source, prompt):
    stored = tell(source, a_label(1, prompt="nobody"), a_label(2), a_label(1, "x" * 121), a_label(2**40, "big"))
    assert stored.changed == 1
    assert [rejected.reason for rejected in stored.rejected] == [
        "Its prompt nobody is not known.",
        "The name of the label has 121 characters; at most 120 can be stored.",
        "It points at version 1099511627776, which no prompt can have.",
    ]


def test_the_database_refuses_to_change_the_history(source, prompt):
    tell(source, a_label(2))
    with pytest.raises(IntegrityError, match="the history of a label never changes"), transaction.atomic():
        LabelMove.objects.update(actor="somebody else")


def test_a_source_with_history_can_still_be_removed(source, prompt):
    tell(source, a_label(2))
    tell(source, a_label(3))
    source.delete()
    assert LabelMove.objects.count() == 0
