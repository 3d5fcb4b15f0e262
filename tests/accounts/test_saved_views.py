from __future__ import annotations

import pytest
from django.urls import reverse

from apps.accounts.models import AuditEntry, SavedView, User

pytestmark = pytest.mark.django_db
RUNS = "/pipelines/runs/"
FAILED = f"{RUNS}?state=failed&sort=at"


def save(client, name="Red ones", at=FAILED, **fields):
    return client.post(reverse("accounts:view-save"), {"name": name, "at": at} | fields)


def tabs(client, at=FAILED) -> str:
    url = f"http://testserver{at}"
    return client.get(reverse("accounts:view-tabs"), headers={"HX-Current-URL": url}).content.decode()


def test_the_filters_of_a_list_are_saved_under_a_name(signed_in, outsider):
    client = signed_in(outsider)
    assert "Save this view" in tabs(client)
    assert save(client, at=f"{FAILED}&after=abc&format=csv&view=all")["Location"] == FAILED
    view = SavedView.objects.get()
    assert (view.path, view.query, view.owner, view.is_shared) == (RUNS, "state=failed&sort=at", outsider, False)
    html = tabs(client, at=f"{RUNS}?sort=at&state=failed")
    assert 'aria-current="page">Red ones' in html
    assert "Save this view" not in html
    assert client.get(view.get_absolute_url()).status_code == 200


def test_every_list_offers_its_views_with_and_without_scripts(signed_in, outsider):
    html = signed_in(outsider).get(f"{RUNS}?state=failed").content.decode()
    assert 'hx-get="/account/views/tabs/"' in html
    link = html.split('href="/account/views/?at=')[1].split('"')[0]
    page = signed_in(outsider).get(f"/account/views/?at={link}").content.decode()
    assert "Save this view" in page
    assert "Pipelines: run list" in page


def test_a_view_is_of_its_owner_alone_until_it_is_shared(signed_in, outsider, author):
    save(signed_in(author))
    assert "Red ones" not in tabs(signed_in(outsider))
    save(signed_in(author), is_shared="on")
    assert "Red ones" in tabs(signed_in(outsider))
    assert AuditEntry.objects.get(action="view:save").after["is_shared"] is True


def test_one_who_only_looks_shares_nothing(signed_in, outsider):
    save(signed_in(outsider), is_shared="on")
    assert not SavedView.objects.exists()


def test_only_the_owner_or_an_administrator_changes_a_view(signed_in, author, approver, admin):
    save(signed_in(author), is_shared="on")
    view = SavedView.objects.get()
    for verb, data in (("change", {"name": "Mine now"}), ("remove", {})):
        signed_in(approver).post(reverse(f"accounts:view-{verb}", args=[view.pk]), data)
        view.refresh_from_db()
        assert view.name == "Red ones"
    signed_in(admin).post(reverse("accounts:view-change", args=[view.pk]), {"name": "Failed", "is_shared": "on"})
    view.refresh_from_db()
    assert (view.name, view.owner) == ("Failed", author)
    signed_in(author).post(reverse("accounts:view-change", args=[view.pk]), {"name": "Failed"})
    view.refresh_from_db()
    assert view.is_shared is False
    signed_in(admin).post(reverse("accounts:view-remove", args=[view.pk]))
    assert SavedView.objects.exists()  # a private one is nobody's business
    signed_in(author).post(reverse("accounts:view-remove", args=[view.pk]))
    assert not SavedView.objects.exists()


def test_names_are_one_a_list(signed_in, author):
    client = signed_in(author)
    save(client)
    save(client, at=f"{RUNS}?state=crashed")
    assert SavedView.objects.get().query == "state=crashed"
    save(client, name="Other")
    client.post(reverse("accounts:view-change", args=[SavedView.objects.get(name="Other").pk]), {"name": "Red ones"})
    assert set(SavedView.objects.values_list("name", flat=True)) == {"Red ones", "Other"}


def test_a_default_view_opens_the_bare_list_and_lets_go_of_it(signed_in, outsider):
    client = signed_in(outsider)
    save(client)
    view = SavedView.objects.get()
    default = reverse("accounts:view-default", args=[view.pk])
    client.post(default, {"on": "1"})
    assert client.get(RUNS)["Location"] == FAILED
    html = client.get(f"{RUNS}?view=all").content.decode()
    assert "so it was ignored" not in html
    filtered = client.get(FAILED).content.decode()
    assert f'href="{RUNS}?view=all&amp;sort=at"' in filtered  # what removes the filters does not lead back to them
    fragment = client.get(RUNS, headers={"HX-Request": "true", "HX-Target": "list-runs"})
    assert fragment.status_code == 200
    assert client.get(RUNS, headers={"Referer": f"http://testserver{FAILED}"}).status_code == 200
    client.post(default, {"on": ""})
    assert client.get(RUNS).status_code == 200


def test_a_default_that_is_gone_or_hidden_leaves_the_list_as_it_is(signed_in, outsider, author):
    save(signed_in(author), is_shared="on")
    view = SavedView.objects.get()
    signed_in(outsider).post(reverse("accounts:view-default", args=[view.pk]), {"on": "1"})
    assert signed_in(outsider).get(RUNS).status_code == 302
    SavedView.objects.update(is_shared=False)
    assert signed_in(outsider).get(RUNS).status_code == 200
    SavedView.objects.all().delete()
    assert signed_in(outsider).get(RUNS).status_code == 200
    assert User.objects.get(pk=outsider.pk).default_views == {RUNS: view.pk}


def test_a_hidden_view_is_nobodys_default(signed_in, outsider, author):
    save(signed_in(author))
    view = SavedView.objects.get()
    signed_in(outsider).post(reverse("accounts:view-default", args=[view.pk]), {"on": "1"})
    assert User.objects.get(pk=outsider.pk).default_views == {}


@pytest.mark.parametrize(
    "at", ["/nowhere/?a=1", "https://evil.example/pipelines/runs", "//evil.example/", "", "[", "\x00"]
)
def test_what_is_no_list_of_the_portal_is_not_saved(signed_in, author, at):
    response = save(signed_in(author), at=at)
    assert response["Location"].startswith("/")
    assert not response["Location"].startswith("//")
    assert not SavedView.objects.filter(path__startswith="//").exists()
    assert tabs(signed_in(author), at="/nowhere/").strip() == ""


def test_addresses_that_write_take_no_get_and_nobody_unknown(client, signed_in, author):
    save(signed_in(author))
    pk = SavedView.objects.get().pk
    urls = [
        reverse("accounts:view-save"),
        *(reverse(f"accounts:view-{verb}", args=[pk]) for verb in ("change", "remove", "default")),
    ]
    for url in urls:
        assert client.get(url).status_code == 405
    client.logout()
    for url in urls:
        assert client.post(url).status_code in (302, 401)
    assert SavedView.objects.count() == 1
