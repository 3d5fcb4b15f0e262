from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.health.bundling import Member, alias, differences, set_hash
from apps.health.consistency import PastSet, Piece, Place, Verdict, judge, split

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def a_piece(reference="2.40", *, hours=5.0, kind="code", name="search-api", **fields) -> Piece:
    return Piece(kind=kind, name=name, reference=reference, since=NOW - timedelta(hours=hours), **fields)


def staging(*pieces: Piece) -> Place:
    return Place(id=1, name="Staging", rank=1, pieces=pieces)


def production(*pieces: Piece) -> Place:
    return Place(id=2, name="Production", rank=2, is_production=True, pieces=pieces)


def ran(reference: str, *, until: float | None, name: str = "search-api") -> PastSet:
    """A set of one part that Staging ran until so many hours ago."""
    return PastSet({("code", name): reference}, None if until is None else NOW - timedelta(hours=until))


def an_index(embedder="small-2", hours=9.0, **fields) -> Piece:
    return a_piece("build 12", kind="index", name="help-center", embedder=embedder, hours=hours, **fields)


def an_embedder(reference="small-2", hours=9.0, **fields) -> Piece:
    return a_piece(reference, kind="embedding_model", name="embedder", hours=hours, **fields)


def test_the_same_everywhere_is_consistent_since_the_last_part_came():
    judged = judge([staging(a_piece(hours=9)), production(a_piece(hours=5))])
    assert (judged.verdict, judged.since, judged.findings) == (Verdict.CONSISTENT, NOW - timedelta(hours=5), ())
    assert judged.sentence == "Production runs what Staging tests: 1 part compared, all the same."


def test_an_earlier_tested_set_is_behind_since_the_tested_environment_moved_on():
    places = [staging(a_piece("2.41", hours=3, by="Mei Lin")), production(a_piece("2.40"))]
    judged = judge(places, [ran("2.41", until=None), ran("2.40", until=3)])
    assert (judged.verdict, judged.since) == (Verdict.BEHIND, NOW - timedelta(hours=3))
    assert judged.sentence == "Production runs exactly what Staging ran before; 1 part is newer in Staging."
    (finding,) = judged.findings
    assert (finding.tone, finding.place_id, finding.by) == ("warn", 2, "Mei Lin")
    expected = "Production runs search-api 2.40, Staging has 2.41; Staging was the later, put there by Mei Lin."
    assert finding.text == expected


def test_a_set_that_was_never_tested_is_mixed():
    judged = judge([staging(a_piece("2.41")), production(a_piece("2.39", hours=1))], [ran("2.40", until=9)])
    assert (judged.verdict, judged.since) == (Verdict.MIXED, NOW - timedelta(hours=1))
    assert judged.sentence == "Production runs a set that Staging never tested: search-api differs."
    assert [finding.tone for finding in judged.findings] == ["bad"]


def test_parts_that_were_tested_but_never_together_are_mixed():
    prompt = {"kind": "prompt", "name": "answers"}
    places = [
        staging(a_piece("2"), a_piece("v2", **prompt)),
        production(a_piece("1"), a_piece("v2", **prompt)),
    ]
    earlier = [PastSet({("code", "search-api"): "1", ("prompt", "answers"): "v1"}, NOW)]
    assert judge(places, earlier).verdict is Verdict.MIXED
    together = [PastSet({("code", "search-api"): "1", ("prompt", "answers"): "v2"}, NOW)]
    assert judge(places, together).verdict is Verdict.BEHIND


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        ([], "No source tells what runs for this feature."),
        ([production(a_piece())], "Only Production is told, so there is nothing to compare it with."),
        ([staging(), production(a_piece())], "Only Production is told, so there is nothing to compare it with."),
        (
            [staging(a_piece(name="other")), production(a_piece())],
            "Staging and Production tell of different parts; none can be compared.",
        ),
    ],
)
def test_what_cannot_be_compared_is_unknown_and_never_consistent(places, sentence):
    judged = judge(places)
    assert (judged.verdict, judged.sentence) == (Verdict.UNKNOWN, sentence)


def test_a_part_that_one_side_does_not_tell_of_is_left_out():
    extra = a_piece("v7", kind="prompt", name="answers")
    judged = judge([staging(a_piece(), extra), production(a_piece())])
    assert (judged.verdict, judged.compared) == (Verdict.CONSISTENT, 1)


def test_without_a_marked_production_the_last_environment_is_live():
    places = [Place(id=n, name=name, rank=n, pieces=(a_piece(),)) for n, name in enumerate(("Dev", "QA", "Live"))]
    tested, live = split(places)
    assert (tested.name, [place.name for place in live]) == ("QA", ["Live"])


def test_each_production_is_compared_and_the_worst_decides():
    america = Place(id=3, name="America", rank=2, is_production=True, pieces=(a_piece("1"),))
    judged = judge([staging(a_piece("2")), production(a_piece("2")), america])
    assert judged.verdict is Verdict.MIXED
    assert [finding.place_id for finding in judged.findings] == [3]


def test_an_index_searched_with_another_embedder_of_the_same_dimensions_is_red():
    swapped = an_embedder("turbo-1", hours=2, by="Tomás Ferreira", dimensions="1536")
    judged = judge([production(an_index(dimensions="1536"), swapped)])
    (finding,) = judged.findings
    assert (judged.verdict, finding.rule, finding.tone, finding.is_live) == (Verdict.MIXED, "embedder", "bad", True)
    assert (finding.since, finding.by) == (NOW - timedelta(hours=2), "Tomás Ferreira")
    assert finding.text == (
        "In Production the index help-center was built with small-2 and is searched with turbo-1; "
        "both have 1536 dimensions, so nothing fails and what is found is quietly wrong."
    )


@pytest.mark.parametrize(
    ("pieces", "is_wrong"),
    [
        ((an_index(), an_embedder()), False),
        ((an_index(" Small-2 "), an_embedder()), False),
        ((an_index(), an_embedder("7f3a", embedder="small-2")), False),
        ((an_index(), an_embedder("turbo-1")), True),
        ((an_index(),), False),  # nobody tells what it is searched with
        ((an_index(""), an_embedder("turbo-1")), False),  # nobody tells what it was built with
        ((an_index(), a_piece(embedder="turbo-1")), True),  # the code says what it searches with
        ((an_index(), a_piece(embedder="small-2")), False),
        ((an_index(), an_embedder("turbo-1"), a_piece(embedder="small-2")), False),
        ((an_index(dimensions="1536"), an_embedder(dimensions="3072")), True),
        ((an_index(dimensions="1536"), an_embedder()), False),
    ],
)
def test_embedders_are_compared_by_name_and_then_by_dimensions(pieces, is_wrong):
    assert bool(judge([production(*pieces)]).findings) is is_wrong


def test_a_wrong_embedder_in_staging_is_red_but_not_live():
    judged = judge([staging(an_index(), an_embedder("turbo-1")), production(an_index(), an_embedder())])
    assert [(one.rule, one.is_live) for one in judged.findings if one.rule == "embedder"] == [("embedder", False)]


_REFERENCES = st.sampled_from(["1", "2", "3"])
_KEYS = [("code", "a"), ("prompt", "b"), ("index", "c")]
_SETS = st.dictionaries(st.sampled_from(_KEYS), _REFERENCES, max_size=3)
_calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _pieces(references) -> tuple[Piece, ...]:
    return tuple(a_piece(reference, kind=kind, name=name) for (kind, name), reference in references.items())


@_calm
@given(_SETS, _SETS, st.lists(_SETS, max_size=4))
def test_the_verdict_agrees_with_what_is_found(tested, live, past):
    judged = judge([staging(*_pieces(tested)), production(*_pieces(live))], [PastSet(one, NOW) for one in past])
    shared = tested.keys() & live.keys()
    differing = {key for key in shared if tested[key] != live[key]}
    assert {(one.kind, one.name) for one in judged.findings} == differing
    assert (judged.verdict is Verdict.UNKNOWN) == (not shared)
    assert (judged.verdict in (Verdict.BEHIND, Verdict.MIXED)) == bool(differing)
    if judged.verdict is Verdict.BEHIND:
        assert any(all(one.get(key) == live[key] for key in shared) for one in past)


@_calm
@given(st.permutations([Member(*key, "1") for key in _KEYS]))
def test_a_set_has_one_id_in_whatever_order_it_is_told(members):
    assert set_hash(members) == set_hash([Member(*key, "1") for key in sorted(_KEYS)])


@_calm
@given(_SETS, _SETS)
def test_two_sets_share_an_id_exactly_when_nothing_differs(one, other):
    old, new = ([Member(*key, value) for key, value in found.items()] for found in (one, other))
    assert (set_hash(old) == set_hash(new)) == (differences(old, new) == [])


def test_an_alias_is_easy_to_say_and_always_the_same():
    digest = set_hash([Member("code", "search-api", "2.40")])
    assert alias(digest) == alias(digest)
    assert len(alias(digest).split("-")) == 3


def test_differences_say_what_came_and_went():
    old = [Member("code", "a", "1"), Member("code", "b", "1")]
    new = [Member("code", "a", "2"), Member("code", "c", "1")]
    found = [(one.name, one.before, one.after) for one in differences(old, new)]
    assert found == [("a", "1", "2"), ("b", "1", ""), ("c", "", "1")]
