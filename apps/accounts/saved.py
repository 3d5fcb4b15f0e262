"""Lists as people like to see them: the filters of an address under a name."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings
from django.db import models
from django.urls import Resolver404, resolve

POSITION: Final = ("after", "before", "format", "view")  # where one is in a list, not how one sees it
LONGEST_PATH, LONGEST_QUERY = 200, 2000


class SavedView(models.Model):
    """The filters, order and period of one list under a name; of its owner alone, or for everybody."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    path = models.CharField(max_length=LONGEST_PATH)  # of the list
    query = models.CharField(max_length=LONGEST_QUERY, blank=True)  # clean, see `clean_query`
    name = models.CharField(max_length=60)
    is_shared = models.BooleanField("for everybody", default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["path", "name", "id"]
        constraints = [models.UniqueConstraint(fields=["owner", "path", "name"], name="one_view_a_name")]
        indexes = [models.Index(fields=["path", "is_shared"], name="view_of_list")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The list with these filters; without any, what keeps a default view out of the way."""
        return f"{self.path}?{self.query or 'view=all'}"

    @property
    def list_name(self) -> str:
        """What the list is called: "Pipelines: run list"."""
        return name_of(self.path)


def name_of(path: str) -> str:
    """A list in words, out of the name of its address."""
    try:
        match = resolve(path)
    except Resolver404:
        return path
    app, _, name = match.view_name.rpartition(":")
    return f"{app.rpartition(':')[2].capitalize()}: {name.replace('-', ' ')}"


def clean_query(text: str) -> str:
    """A query string without positions and empty values, in its own order."""
    pairs = parse_qsl(text, max_num_fields=100)
    return urlencode([(key, value) for key, value in pairs if key not in POSITION])


def split_address(text: str) -> tuple[str, str]:
    """(path, clean query) of a list's address; raises ValueError with a sentence when it is none of this portal."""
    try:
        parts = urlsplit(text)
        path, query = parts.path, clean_query(parts.query)
        resolve(path)
    except (ValueError, Resolver404):
        raise ValueError("This is no list of the portal.") from None
    if len(path) > LONGEST_PATH or len(query) > LONGEST_QUERY or "\x00" in path + query:
        raise ValueError("These filters are too long to be saved.")
    return path, query


def is_same(one: str, other: str) -> bool:
    """Whether two clean queries ask for the same, whatever their order."""
    return sorted(parse_qsl(one)) == sorted(parse_qsl(other))
