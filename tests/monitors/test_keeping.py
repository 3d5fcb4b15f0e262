"""A detector survives being written down, at every age."""

from __future__ import annotations

import orjson
import pytest

from apps.monitors.anomaly.detector import Detector
from apps.monitors.anomaly.keeping import freeze, thaw


@pytest.mark.parametrize("age", [0, 1, 40, 400])
def test_a_detector_that_was_kept_goes_on_as_if_nothing_had_happened(age: int) -> None:
    """Its smallest known swing is minus infinity at first, and JSON has no word for that."""
    first = Detector(longest=3000)
    for place in range(age):
        first.step(60.0 * place, float(place % 7))
    again = thaw(orjson.loads(orjson.dumps(freeze(first))))
    told = [first.step(60.0 * place, float(place % 7)) for place in range(age, age + 300)]
    assert [again.step(60.0 * place, float(place % 7)) for place in range(age, age + 300)] == pytest.approx(
        told, abs=1e-3
    )
