"""Pages about serving: who serves what, moves past the approval, rollouts, and what lacks care."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import AuditEntry
from apps.metrics.models import Series
from apps.prompts.models import LabelBypass, LabelPush, LabelRollout, Prompt, PromptUse
from tests.factories import make_feature, make_source, make_team
from tests.prompts.serving import make_prompt, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def prompt(db) -> Prompt:
    source = make_source(slug="mlflow", name="MLflow")
    return make_prompt("search/answers", versions=3, source=source, labels={"production": 2})


@pytest.fixture
def bypass(prompt) -> LabelBypass:
    one, two = prompt.versions.get(number=1), prompt.versions.get(number=2)
    at = timezone.now()
    return LabelBypass.objects.create(prompt=prompt, label="production", expected=one, found=two, found_at=at)


def used(prompt, number: int | None, instance: str, **fields) -> PromptUse:
    at = timezone.now() - timedelta(minutes=1)
    version = prompt.versions.get(number=number) if number else None
    defaults = {"serving_since": at, "first_heard_at": at, "last_heard_at": at, "served": 1234, "label": "production"}
    return PromptUse.objects.create(
        prompt=prompt, caller=f"caller-{instance}", instance=instance, version=version, **defaults | fields
    )


def text(response, status: int = 200) -> str:
    assert response.status_code == status
    return response.content.decode()


def test_who_serves_what_names_those_who_have_not_arrived(signed_in, outsider, prompt):
    used(prompt, 2, "a/1")
    used(prompt, 1, "b/1")
    used(prompt, None, "c/1", fallbacks=7)
    html = text(signed_in(outsider).get(reverse("prompts:prompt-serving", args=[prompt.pk])))
    assert "1 of 3 instances" in html
    assert "v1, not v2" in html
    assert "its fallback" in html
    assert html.index("caller-b/1") < html.index("caller-a/1")
    assert "1,234" in html
    assert 'hx-trigger="live:prompt-' in html
    assert "Roll out" not in html, "viewers only look"


def test_a_label_that_everybody_serves_says_since_when(signed_in, author, prompt):
    used(prompt, 2, "a/1")
    html = text(signed_in(author).get(reverse("prompts:prompt-serving", args=[prompt.pk])))
    assert "Every caller serves it since" in html
    assert "Roll out" in html


def test_a_prompt_that_nobody_fetches_says_how_callers_tell(signed_in, outsider, prompt):
    html = text(signed_in(outsider).get(reverse("prompts:prompt-serving", args=[prompt.pk])))
    assert "nobody tells" in html


def test_an_open_bypass_stands_on_the_page_with_what_can_be_done(signed_in, author, approver, outsider, prompt, bypass):
    url = reverse("prompts:prompt-bypasses", args=[prompt.pk])
    html = text(signed_in(author).get(url))
    assert "production was moved from v1 to v2 outside approval." in html
    assert "Put it back to v1" in html
    assert "?from=1&amp;to=2" in html
    assert "Accept it with a reason" not in html
    assert "Accept it with a reason" in text(signed_in(approver).get(url))
    assert "Put it back" not in text(signed_in(outsider).get(url))
    page = text(signed_in(outsider).get(prompt.get_absolute_url()))
    assert url in page
    assert "production was moved from v1 to v2 outside approval." in page, "without a script as well"


def test_putting_back_is_one_click_for_who_may(signed_in, author, outsider, prompt, bypass):
    url = reverse("prompts:bypass-revert", args=[bypass.pk])
    assert signed_in(outsider).post(url).status_code == 403
    assert not LabelPush.objects.exists()
    client = signed_in(author)
    assert client.get(url).status_code == 405
    assert "is on its way back" in text(client.post(url, follow=True))
    assert "Another move" in text(client.post(url, follow=True))
    assert LabelPush.objects.get().to_version.number == 1
    assert AuditEntry.objects.get(action="bypass:revert").actor == author


def test_accepting_takes_an_approver_and_a_reason(signed_in, author, approver, prompt, bypass):
    url = reverse("prompts:bypass-adopt", args=[bypass.pk])
    assert signed_in(author).get(url).status_code == 403
    assert signed_in(author).post(url, {"reason": "x"}).status_code == 403
    client = signed_in(approver)
    text(client.post(url, {"reason": ""}), 422)
    assert LabelBypass.objects.get().state == "open"
    assert "may stay" in text(client.post(url, {"reason": "An outage."}, follow=True))
    assert (LabelBypass.objects.get().state, LabelBypass.objects.get().ended_by) == ("adopted", approver)
    assert "This is over" in text(client.post(url, {"reason": "again"}, follow=True))


def test_a_rollout_is_begun_and_ended_by_who_may_apply(signed_in, author, outsider, prompt):
    label = prompt.labels_now.get()
    url = reverse("monitors:rollout-change", args=[label.pk])
    assert signed_in(outsider).get(url).status_code == 403
    assert signed_in(outsider).post(url, {"number": 3, "percent": 5}).status_code == 403
    client = signed_in(author)
    text(client.post(url, {"number": 3, "percent": 101}), 422)
    text(client.post(url, {"number": 9, "percent": 5}), 422)
    client.post(url, {"number": 3, "percent": 25})
    rollout = LabelRollout.objects.get()
    assert (rollout.version.number, rollout.base.number, rollout.percent) == (3, 2, 25)
    assert 'value="25"' in text(client.get(url))
    assert "25 % get another version" in text(client.get(reverse("prompts:prompt-serving", args=[prompt.pk])))
    client.post(url, {"number": 3, "percent": 0})
    assert not LabelRollout.objects.exists()


def hygiene(client, query: str = "") -> str:
    return text(client.get(reverse("prompts:hygiene") + query))


def test_what_a_prompt_lacks_is_listed_and_can_be_filtered(signed_in, outsider, prompt):
    at = timezone.now()
    client = signed_in(outsider)
    Prompt.objects.update(first_seen_at=at - timedelta(days=40))
    team = make_team()
    cared = make_prompt("cared", versions=1, template="Its very own {{x}}.", source=prompt.source)
    Prompt.objects.filter(pk=cared.pk).update(feature=make_feature(team=team), first_seen_at=at - timedelta(days=40))
    used(cared, 1, "a/1")
    html = hygiene(client)
    assert "Not fetched in 30 days" in html
    assert "No owner" in html
    assert hygiene(client, "?lacks=unevaluated").count('scope="row"') == 2
    assert "cared" not in hygiene(client, "?lacks=unused")
    assert "cared" not in hygiene(client, "?lacks=unowned")
    twin = make_prompt("twin", versions=1, template="Its very own {{x}}.", source=prompt.source)
    assert hygiene(client, "?lacks=duplicate").count('scope="row"') == 2
    make_version(twin, 2, template="Now {{y}} and {{z}}.")
    Prompt.objects.filter(pk=twin.pk).update(latest_number=2)
    assert "twin" not in hygiene(client, "?lacks=undeclared")
    lost = make_prompt("lost", versions=0, source=prompt.source)
    version = make_version(lost, 1, template="Say {{ a }} {{b}}.")
    Prompt.objects.filter(pk=lost.pk).update(latest_number=1)
    assert "lost" not in hygiene(client, "?lacks=undeclared")
    type(version).objects.filter(pk=version.pk).update(variables=["a"])
    assert "lost" in hygiene(client, "?lacks=undeclared")


def test_the_list_of_what_lacks_care_is_exported(signed_in, outsider, prompt):
    response = signed_in(outsider).get(reverse("prompts:hygiene") + "?format=csv")
    body = b"".join(response.streaming_content).decode()
    assert "Never evaluated, No owner" in body


def test_measures_of_versions_stand_beside_each_other(signed_in, outsider, prompt):
    feature = make_feature()
    at = timezone.now()
    for number, value in ((1, 1.5), (2, 0.9)):
        Series.objects.create(
            source=prompt.source, external_id=f"s{number}", name="latency", measure="latency_p95", unit="s",
            labels={"prompt": "search/answers", "prompt_version": str(number)}, feature=feature,
            first_seen_at=at, last_at=at, last_value=value,
        )  # fmt: skip
    url = reverse("metrics:prompt-versions", args=[feature.pk])
    html = text(signed_in(outsider).get(f"{url}?prompt=search/answers"))
    assert html.index("v2") < html.index("v1")
    assert "900" in html
    assert "table" not in text(signed_in(outsider).get(f"{url}?prompt=other"))


def test_only_readers_see_and_nothing_can_be_posted(signed_in, outsider, prompt, client):
    for name, args in (("prompt-serving", [prompt.pk]), ("prompt-bypasses", [prompt.pk]), ("hygiene", [])):
        url = reverse(f"prompts:{name}", args=args)
        assert client.get(url).status_code == 302
        assert signed_in(outsider).post(url).status_code == 405
        client.logout()


def test_the_fragment_costs_the_same_with_many_instances(signed_in, outsider, prompt, django_assert_max_num_queries):
    for n in range(30):
        used(prompt, 2, f"i/{n}")
    client = signed_in(outsider)
    client.get(reverse("prompts:prompt-serving", args=[prompt.pk]))
    with django_assert_max_num_queries(8):
        client.get(reverse("prompts:prompt-serving", args=[prompt.pk]))
