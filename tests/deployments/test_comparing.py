from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.deployments.comparing import compare_url

GITHUB = "https://github.com/acme/search/actions/runs/7"
GITLAB = "https://gitlab.example/group/team/search/-/jobs/7"


@pytest.mark.parametrize(
    ("url", "connector", "expected"),
    [
        (GITHUB, "push", "https://github.com/acme/search/compare/a1...b2"),
        ("https://github.com/acme/search", "argocd", "https://github.com/acme/search/compare/a1...b2"),
        ("https://git.acme.test/acme/search/x", "github", "https://git.acme.test/acme/search/compare/a1...b2"),
        ("https://git.acme.test/acme/search/x", "push", ""),
        (GITLAB, "gitlab", "https://gitlab.example/group/team/search/-/compare/a1...b2"),
        ("https://user:secret@gitlab.example/a/b/-/x", "gitlab", "https://gitlab.example/a/b/-/compare/a1...b2"),
        ("https://argo.example/applications/search", "argocd", ""),
        ("javascript:alert(1)//github.com/a/b", "github", ""),
        ("", "github", ""),
        ("https://github.com/", "github", ""),
    ],
)
def test_the_link_follows_what_the_address_tells(url, connector, expected):
    assert compare_url(url=url, connector=connector, before="a1", after="b2") == expected


@pytest.mark.parametrize(("before", "after"), [("a1", "a1"), ("", "a1"), ("build 7", "a1"), ("a1", "b?x=1")])
def test_what_is_no_pair_of_references_is_not_compared(before, after):
    assert compare_url(url=GITHUB, connector="github", before=before, after=after) == ""


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(), st.text(), st.text())
def test_no_text_breaks_it(url, before, after):
    found = compare_url(url=url, connector="github", before=before, after=after)
    assert found == "" or found.startswith(("http://", "https://"))
