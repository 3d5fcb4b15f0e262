"""Reliability by days and periods. Days of runs that are known already are due, and counted by the sweep."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pipelines', '0004_data_marks'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reliability',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('days', models.PositiveSmallIntegerField()),
                ('until', models.DateField()),
                ('rolled_at', models.DateTimeField()),
                ('succeeded', models.PositiveIntegerField()),
                ('retried', models.PositiveIntegerField()),
                ('failed', models.PositiveIntegerField()),
                ('success_rate', models.FloatField()),
                ('flaky_rate', models.FloatField()),
                ('green_count', models.PositiveIntegerField()),
                ('green_median', models.FloatField(null=True)),
                ('took_median', models.FloatField(null=True)),
                ('took_change', models.FloatField(null=True)),
                ('red_since', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name_plural': 'reliability',
                'ordering': ['-flaky_rate', '-id'],
            },
        ),
        migrations.CreateModel(
            name='RunDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('is_due', models.BooleanField(default=True)),
                ('succeeded', models.PositiveIntegerField(default=0)),
                ('retried', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0)),
                ('took_median', models.FloatField(null=True)),
                ('took_p95', models.FloatField(null=True)),
                ('first_bad_at', models.DateTimeField(null=True)),
                ('first_good_at', models.DateTimeField(null=True)),
                ('red_since', models.DateTimeField(null=True)),
                ('greens', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveIntegerField(), default=list, size=None)),
            ],
        ),
        migrations.AddField(
            model_name='pipeline',
            name='alerted_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='taskrun',
            index=models.Index(condition=models.Q(('attempts__gt', 1)), fields=['run'], name='task_run_retried'),
        ),
        migrations.AddField(
            model_name='reliability',
            name='pipeline',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reliability', to='pipelines.pipeline'),
        ),
        migrations.AddField(
            model_name='runday',
            name='pipeline',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='days', to='pipelines.pipeline'),
        ),
        migrations.AddIndex(
            model_name='reliability',
            index=models.Index(fields=['days', '-flaky_rate', '-id'], name='reliability_flakiest'),
        ),
        migrations.AddIndex(
            model_name='reliability',
            index=models.Index(fields=['until'], name='reliability_outdated'),
        ),
        migrations.AddConstraint(
            model_name='reliability',
            constraint=models.UniqueConstraint(fields=('pipeline', 'days'), name='one_row_a_pipeline_and_period'),
        ),
        migrations.AddIndex(
            model_name='runday',
            index=models.Index(condition=models.Q(('is_due', True)), fields=['pipeline', 'day'], name='runday_due'),
        ),
        migrations.AddConstraint(
            model_name='runday',
            constraint=models.UniqueConstraint(fields=('pipeline', 'day'), include=('succeeded', 'retried', 'failed'), name='one_row_a_pipeline_and_day'),
        ),
        migrations.RunSQL(
            """
            INSERT INTO pipelines_runday (pipeline_id, day, is_due, succeeded, retried, failed, greens)
            SELECT DISTINCT pipeline_id, (at AT TIME ZONE 'UTC')::date, true, 0, 0, 0, '{}'::integer[]
            FROM pipelines_run
            WHERE at > now() - interval '120 days' AND state IN ('succeeded', 'failed', 'crashed')
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
