"""One worker an order, one order an endpoint, and nothing written by who lost the claim."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.evaluations import services
from apps.evaluations.models import CaseResult
from apps.evaluations.services import NewResult
from apps.evaluations.services.claims import LEASE, SIDE_BY_SIDE
from tests.evaluations.suites import AT, make_endpoint, make_suite, start

pytestmark = pytest.mark.django_db


def test_one_order_an_endpoint_is_carried_out_at_a_time():
    endpoint = make_endpoint()
    first, second = (start(make_suite(endpoint=endpoint)) for _ in range(2))
    other = start(make_suite(endpoint=make_endpoint()))
    assert services.claim_order(at=AT).run_id == first.pk
    assert services.claim_order(at=AT).run_id == other.pk
    assert services.claim_order(at=AT) is None, f"{second} waits for its endpoint"


def test_only_a_few_orders_are_under_way_in_the_whole_portal():
    for _ in range(SIDE_BY_SIDE + 1):
        start(make_suite(endpoint=make_endpoint()))
    claims = [services.claim_order(at=AT) for _ in range(SIDE_BY_SIDE + 1)]
    assert [claim is None for claim in claims] == [False] * SIDE_BY_SIDE + [True]


def test_whoever_lost_the_claim_writes_nothing():
    start(make_suite(endpoint=make_endpoint()))
    lost = services.claim_order(at=AT)
    case = services.begin(claim=lost, at=AT).cases[0]
    later = AT + LEASE + timedelta(seconds=1)
    ours = services.claim_order(at=later)
    result = NewResult(case_id=case.pk, scores=[{"scorer": "exact", "value": 1.0, "passed": True}])
    assert not services.store_result(claim=lost, result=result, at=later, rings=False)
    assert not services.keep_claim(claim=lost, at=later)
    assert not services.release(claim=lost, due_at=later)
    assert services.finish(claim=lost, at=later) is None
    assert services.begin(claim=lost, at=later) is None
    assert not CaseResult.objects.exists()
    assert services.keep_claim(claim=ours, at=later)


def test_a_case_keeps_its_first_result():
    start(make_suite(endpoint=make_endpoint()))
    claim = services.claim_order(at=AT)
    case = services.begin(claim=claim, at=AT).cases[0]
    for value in (1.0, 0.0):
        result = NewResult(case_id=case.pk, scores=[{"scorer": "exact", "value": value, "passed": bool(value)}])
        assert services.store_result(claim=claim, result=result, at=AT, rings=False)
    assert CaseResult.objects.get().scores[0]["value"] == 1.0
