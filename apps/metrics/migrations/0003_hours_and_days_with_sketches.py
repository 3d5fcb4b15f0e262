"""Hours know their last value and a sketch of their observations; days have a row each.

New columns may be empty, so the old code goes on beside them. Hours are rolled up once more to fill them.
"""

from django.db import migrations

FORWARDS = """
ALTER TABLE metrics_hour ADD COLUMN last double precision, ADD COLUMN bins integer[], ADD COLUMN counts bigint[];
CREATE TABLE metrics_day (
    series_id bigint NOT NULL,
    at timestamptz NOT NULL,
    count bigint NOT NULL,
    total double precision NOT NULL,
    low double precision NOT NULL,
    high double precision NOT NULL,
    last double precision,
    bins integer[],
    counts bigint[],
    PRIMARY KEY (series_id, at) INCLUDE (count, total, low, high)
);
UPDATE metrics_series SET rolled_until = NULL WHERE rolled_until IS NOT NULL;
"""
BACKWARDS = """
DROP TABLE metrics_day;
ALTER TABLE metrics_hour DROP COLUMN last, DROP COLUMN bins, DROP COLUMN counts;
"""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0002_samples_by_day")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
