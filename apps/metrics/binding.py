"""The cursor for arrays."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import connection

from apps.core.arrays import pack_arrays


def server_cursor() -> psycopg.Cursor[Any]:
    """A cursor of Django's own connection that binds on the server, in binary: several times faster for arrays."""
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    pack_arrays(cursor)
    return cursor
