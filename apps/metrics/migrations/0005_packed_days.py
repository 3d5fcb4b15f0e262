"""Days that are over, one row a series and day; see packing.py. The bytes are packed, so PostgreSQL need not try."""

from django.db import migrations

FORWARDS = """
CREATE TABLE metrics_packed (
    series_id bigint NOT NULL,
    day date NOT NULL,
    count integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (series_id, day)
);
ALTER TABLE metrics_packed ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX metrics_packed_by_day ON metrics_packed (day);
"""
BACKWARDS = "DROP TABLE metrics_packed;"


class Migration(migrations.Migration):
    dependencies = [("metrics", "0004_budgets")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
