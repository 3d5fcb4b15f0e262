"""What a report is answered: a result for each item and how many there are of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.http import JsonResponse

from apps.sync.pushing import Fate, Told


def answer_results(told: Sequence[Told], external_ids: Sequence[str] = ()) -> JsonResponse:
    """200, or 207 when something was refused; `results` stand in the order of the items."""
    names = external_ids or [""] * len(told)
    results = [_result(index, name, one) for index, (name, one) in enumerate(zip(names, told, strict=True))]
    counted = Counter(one.fate for one in told)
    counts = {fate.value: counted[fate] for fate in Fate}
    return JsonResponse({"results": results, "counts": counts}, status=207 if counts[Fate.REFUSED] else 200)


def _result(index: int, external_id: str, told: Told) -> dict[str, object]:
    result: dict[str, object] = {"index": index, "external_id": external_id, "status": told.fate.value}
    return result | ({"error": told.reason} if told.reason else {})
