"""How new the data of a pipeline are. What ran before is taken at its word where it names no partition."""

from django.db import migrations, models

_MARK_THE_PAST = """
UPDATE pipelines_pipeline AS pipeline
SET data_as_of = (
    SELECT max(LEAST(run.started_at, run.scheduled_for)) FROM (
        SELECT started_at, scheduled_for, trigger, partition_key FROM pipelines_run
        WHERE pipeline_id = pipeline.id AND state = 'succeeded' ORDER BY at DESC, id DESC LIMIT 100
    ) AS run WHERE run.trigger <> 'backfill' AND run.partition_key = ''
)
"""


class Migration(migrations.Migration):
    dependencies = [("pipelines", "0003_punctuality")]

    operations = [
        migrations.AddField(
            model_name="pipeline", name="data_as_of", field=models.DateTimeField(null=True)
        ),
        migrations.AddField(
            model_name="pipeline", name="data_failed_as_of", field=models.DateTimeField(null=True)
        ),
        migrations.AddField(
            model_name="pipeline", name="data_failed_at", field=models.DateTimeField(null=True)
        ),
        migrations.RunSQL(_MARK_THE_PAST, migrations.RunSQL.noop),
    ]
