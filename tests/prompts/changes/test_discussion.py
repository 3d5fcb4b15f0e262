"""What people said stands under the words it speaks of, in both layouts, as long as those words are there."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from apps.prompts.models import Comment
from apps.prompts.services import change_requests as changes
from apps.prompts.services.change_requests import Pin
from tests.prompts.changes.steps import edit, go_live, make_own_prompt, make_version, propose
from tests.prompts.records import NOW

pytestmark = pytest.mark.django_db
LINES = [f"Line {n} of {{{{question}}}}" for n in range(1, 31)]


def words(**changed: str) -> str:
    """Thirty lines, some of them otherwise: words(l3="…")."""
    return "\n".join(changed.get(f"l{n}", line) for n, line in enumerate(LINES, 1))


@pytest.fixture
def change(author, approver):
    """From thirty lines to the same with another third one."""
    own = make_own_prompt(versions=0)
    make_version(own, 1, template=words())
    make_version(own, 2, template=words(l3="Never promise {{question}}"))
    make_version(own, 3, template=words(l1="A new first line\nLine 1", l3="Never promise {{question}}"))
    make_version(own, 4, template=words(l3="Promise nothing"))
    go_live(own, author, approver)
    return propose(own, author, 2)


def remark(change, actor, first: int, last: int = 0, body: str = "Really?") -> Comment:
    pin = Pin("Text", first, last or first)
    return changes.add_comment(change_id=change.pk, body=body, pin=pin, actor=actor, at=NOW)


def page(client, change, query: str = "") -> str:
    response = client.get(change.get_absolute_url() + query)
    assert response.status_code == 200
    return response.content.decode()


def rows(html: str) -> list[str]:
    """The rows of the difference as plain words, threads among them."""
    table = html[html.index('<table class="diff') : html.index("</table>")]
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in table.split("<tr")[2:]]


def under(html: str, line: str) -> str:
    """What stands below the row with these words."""
    found = rows(html)
    return found[next(n for n, row in enumerate(found) if line in row) + 1]


@pytest.mark.parametrize("layout", ["unified", "split"])
def test_a_thread_stands_under_its_line(signed_in, approver, change, layout):
    remark(change, approver, 3)
    html = page(signed_in(approver), change, f"?diff={layout}")
    assert "Really?" in under(html, "Never promise")
    assert f'colspan="{4 if layout == "split" else 3}"' in html[html.index('<tr class="thread"') :][:40]


def test_a_thread_on_several_lines_stands_under_the_last(signed_in, approver, change):
    remark(change, approver, 2, 4)
    html = page(signed_in(approver), change)
    assert "3 lines" in under(html, "Line 4 of")


def test_a_thread_on_a_line_far_from_the_change_shows_the_whole_text(signed_in, approver, change):
    assert "Line 25" not in "".join(rows(page(signed_in(approver), change)))
    remark(change, approver, 25)
    assert "Really?" in under(page(signed_in(approver), change), "Line 25 of")


def test_the_whole_text_can_be_asked_for(signed_in, approver, change):
    assert "Line 30" in "".join(rows(page(signed_in(approver), change, "?text=whole")))


def test_a_thread_moves_with_its_words(signed_in, author, approver, change):
    remark(change, approver, 3)
    edit(change, author, 3)
    assert "Really?" in under(page(signed_in(approver), change), "Never promise")


def test_a_thread_on_words_that_are_gone_is_kept_in_the_conversation(signed_in, author, approver, change):
    remark(change, approver, 3)
    edit(change, author, 4)
    html = page(signed_in(approver), change)
    assert "Really?" not in "".join(rows(html))
    assert "which does not stand there now" in html[html.index('id="threads"') :]


def test_the_number_of_a_line_leads_to_a_form_under_it(signed_in, approver, change):
    client = signed_in(approver)
    assert '?diff=split&amp;line=Text-3#remark-new" id="TextL3"' in page(client, change, "?diff=split")
    html = page(client, change, "?diff=split&line=Text-3")
    assert "Your remark" in under(html, "Never promise")
    fields = {"body": "Why not?", "part": "Text", "first_line": "3", "last_line": "3", "diff": "split"}
    response = client.post(reverse("prompts:change-comment", args=[change.pk]), fields)
    said = Comment.objects.get()
    assert response["Location"] == f"{change.get_absolute_url()}?diff=split#remark-{said.pk}"


def test_what_was_written_survives_a_refusal(signed_in, approver, change):
    fields = {"body": "Long thoughts", "part": "Text", "first_line": "3", "last_line": "2"}
    response = signed_in(approver).post(reverse("prompts:change-comment", args=[change.pk]), fields)
    assert response.status_code == 422
    assert "Long thoughts" in under(response.content.decode(), "Never promise")


@pytest.mark.parametrize("line", ["Text-3", "Text-999999", "Text-0", "Nothing-3", "-", "Text-x"])
def test_who_only_reads_is_offered_no_form(signed_in, outsider, change, line):
    html = page(signed_in(outsider), change, f"?line={line}")
    assert "Your remark" not in html
    assert 'href="#TextL3"' in html


@pytest.mark.parametrize("line", ["Text-999999", "Text-0", "Nothing-3", "-", "Text-x", "Text-3²"])
def test_a_line_that_is_not_there_asks_nothing(signed_in, approver, change, line):
    assert "Your remark" not in page(signed_in(approver), change, f"?line={line}")


def test_a_settled_thread_folds_and_opens_again(signed_in, approver, change):
    said = remark(change, approver, 3)
    client = signed_in(approver)
    client.post(reverse("prompts:comment-settle", args=[said.pk]), {"do": "resolve"})
    html = page(client, change)
    assert "<summary>" in html[html.index('<tr class="thread"') :].partition("</tr>")[0]
    client.post(reverse("prompts:comment-settle", args=[said.pk]), {"do": "reopen"})
    html = page(client, change)
    assert "<summary>" not in html[html.index('<tr class="thread"') :].partition("</tr>")[0]


def test_who_cannot_decide_reads_why(signed_in, author, approver, outsider, colleague, change):
    assert "You wrote a part of this change" in page(signed_in(author), change)
    for person in (outsider, colleague):
        assert "It takes an approver" in page(signed_in(person), change)
    assert "It takes an approver" not in page(signed_in(approver), change)
