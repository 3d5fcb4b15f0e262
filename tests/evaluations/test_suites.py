"""Suites of our own: versions, imports that change everything or nothing, cases that other apps add."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from apps.evaluations import queries, services
from apps.evaluations.models import Case, SuiteVersion
from apps.evaluations.queries import cases_of_version
from apps.evaluations.services import SuiteDraft, SuiteError
from apps.events.models import Event
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from tests.evaluations.suites import AT, EXACT, add_cases, make_endpoint, make_suite, start
from tests.factories import make_feature

pytestmark = pytest.mark.django_db


def numbers(suite) -> list[tuple[int, int]]:
    return list(SuiteVersion.objects.filter(suite=suite).order_by("number").values_list("number", "cases"))


def fresh(suite):
    return type(suite).objects.select_related("setup").get(pk=suite.pk)


def test_every_change_of_cases_makes_a_version_and_old_ones_keep_theirs():
    suite = make_suite(cases=3)
    add_cases(suite, "key,question,expected\ncase-2,other,a2\ncase-9,q9,a9\n")
    assert numbers(suite) == [(1, 0), (2, 3), (3, 4)]
    second, third = (SuiteVersion.objects.get(suite=suite, number=number) for number in (2, 3))
    assert sorted(cases_of_version(second).values_list("key", "inputs__question")) == [
        ("case-1", "q1"),
        ("case-2", "q2"),
        ("case-3", "q3"),
    ]
    assert sorted(cases_of_version(third).values_list("key", "inputs__question")) == [
        ("case-1", "q1"),
        ("case-2", "other"),
        ("case-3", "q3"),
        ("case-9", "q9"),
    ]


def test_the_same_file_again_changes_nothing():
    suite = make_suite(cases=3)
    events = Event.objects.count()
    add_cases(suite, "key,question,expected\ncase-1,q1,a1\n")
    assert numbers(suite) == [(1, 0), (2, 3)]
    assert Event.objects.count() == events


def test_a_file_may_replace_all_cases():
    suite = make_suite(cases=3)
    assert add_cases(suite, "key,question,expected\ncase-1,q1,a1\n", replaces=True) == 1
    assert [case.key for case in queries.current_cases(suite)] == ["case-1"]


def test_a_file_with_a_wrong_line_changes_nothing_and_names_it():
    suite = make_suite(cases=1)
    with pytest.raises(SuiteError) as refused:
        add_cases(suite, "key,question,expected\nfine,q,a\nbad,q,\n")
    assert refused.value.errors == ("Line 3: The scorer exact needs something expected, and the case gives nothing.",)
    assert numbers(suite) == [(1, 0), (2, 1)]


def test_what_changed_is_told_with_who_did_it(author):
    suite = make_suite(cases=0, actor=author)
    services.add_case(
        suite=suite, inputs={"question": "x"}, expected="y", origin="incident 12", actor=author, at=AT, key="k"
    )
    event = Event.objects.get(subject_kind="suite", title__contains="version 2")
    assert (event.kind, event.actor, event.is_change) == ("evaluations:suite:changed", "author", True)
    assert event.title == f"{suite.name} version 2: 1 case"
    assert Case.objects.get().origin == "incident 12"


def test_an_added_case_that_is_there_already_changes_nothing():
    suite = make_suite(cases=0)
    for _ in range(2):
        case = services.add_case(
            suite=suite, inputs={"question": "x"}, expected="y", origin="incident 12", actor=None, at=AT
        )
    assert (case.since, numbers(suite)) == (2, [(1, 0), (2, 1)])


def test_an_ended_case_stays_with_old_versions():
    suite = make_suite(cases=2)
    assert services.end_case(suite=suite, key="case-1", actor=None, at=AT)
    assert not services.end_case(suite=suite, key="case-1", actor=None, at=AT)
    assert [case.key for case in queries.current_cases(suite)] == ["case-2"]
    assert cases_of_version(SuiteVersion.objects.get(suite=suite, number=2)).count() == 2


def test_other_scorers_make_a_version_and_a_new_name_does_not():
    suite = make_suite(cases=2)
    services.change_suite(suite=suite, draft=SuiteDraft(name="Other", scorers=[EXACT]), actor=None, at=AT)
    assert numbers(suite) == [(1, 0), (2, 2)]
    draft = SuiteDraft(name="Other", scorers=[EXACT, {"kind": "length"}])
    assert services.change_suite(suite=suite, draft=draft, actor=None, at=AT) == 3
    assert numbers(suite)[-1] == (3, 2)


def test_scorers_that_the_cases_do_not_fit_are_refused():
    suite = make_suite(cases=2)
    draft = SuiteDraft(name="Other", scorers=[{"kind": "numeric"}])
    with pytest.raises(SuiteError, match="Case case-1: The scorer numeric expects a number"):
        services.change_suite(suite=suite, draft=draft, actor=None, at=AT)
    assert fresh(suite).version == 2


@pytest.mark.parametrize(
    "statement", ["UPDATE evaluations_case SET weight = 2", "UPDATE evaluations_suiteversion SET cases = 9"]
)
def test_the_database_refuses_to_change_what_was_scored(statement):
    make_suite(cases=2)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_suite_of_a_source_is_left_to_its_source():
    suite = make_suite(cases=1)
    suite.setup.delete()
    with pytest.raises(SuiteError, match="belongs to its source"):
        services.add_case(suite=suite, inputs={"q": "x"}, expected="y", origin="", actor=None, at=AT)
    with pytest.raises(services.OrderError, match="run by its source"):
        start(suite)


def test_a_suite_says_what_it_lacks_before_it_runs():
    with pytest.raises(services.OrderError, match="no endpoint"):
        start(make_suite(cases=1))
    with pytest.raises(services.OrderError, match="no cases yet"):
        start(make_suite(cases=0, endpoint=make_endpoint()))
    with pytest.raises(services.OrderError, match="no endpoint"):
        start(make_suite(cases=1, endpoint=make_endpoint(is_enabled=False)))


def test_suites_belong_to_the_portal_itself_and_mapping_leaves_them_where_people_put_them():
    feature = make_feature()
    suite = make_suite(cases=1, feature=feature)
    (source,) = Source.objects.all()
    assert (source.slug, source.is_polled, suite.source) == ("opsportal-evaluations", False, source)
    assert services.remap(source=source, mapper=Mapper(source)).changed == 0
    assert fresh(suite).feature == feature


def test_two_suites_never_have_one_name():
    make_suite(name="Golden")
    with pytest.raises(SuiteError, match="has this name already"):
        make_suite(name="Golden")
