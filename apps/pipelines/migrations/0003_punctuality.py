"""Expectations, their judgement and pauses; what is stored already is judged at the first sweep."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pipelines', '0002_failing_pipelines'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Expectation',
            fields=[
                ('pipeline', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='expectation', serialize=False, to='pipelines.pipeline')),
                ('kind', models.CharField(choices=[('schedule', 'As its own schedule says'), ('cron', 'Starts by a cron expression'), ('interval', 'Starts again after an interval'), ('calendar', 'Starts at a time on certain days'), ('ready_by', 'Is ready by a time on certain days'), ('after', 'Starts after another pipeline succeeded'), ('nothing', 'Nothing is expected')], default='schedule', max_length=10)),
                ('cron', models.CharField(blank=True, max_length=100)),
                ('every_seconds', models.PositiveIntegerField(blank=True, null=True)),
                ('day_rule', models.CharField(choices=[('daily', 'Every day'), ('weekdays', 'Some weekdays'), ('business', 'Business days'), ('month_end', 'The last day of the month'), ('last_business', 'The last business day of the month'), ('nth_weekday', 'A weekday of the month')], default='daily', max_length=14)),
                ('weekdays', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), blank=True, default=list, size=None)),
                ('nth', models.SmallIntegerField(default=1)),
                ('country', models.CharField(blank=True, max_length=10)),
                ('at_time', models.TimeField(blank=True, null=True)),
                ('zone', models.CharField(default='UTC', max_length=64)),
                ('within_seconds', models.PositiveIntegerField(blank=True, null=True)),
                ('grace_seconds', models.PositiveIntegerField(default=900)),
                ('longest_seconds', models.PositiveIntegerField(blank=True, null=True)),
                ('is_longest_learned', models.BooleanField(default=True)),
                ('is_muted', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('upstream', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='followers', to='pipelines.pipeline')),
            ],
        ),
        migrations.CreateModel(
            name='Punctuality',
            fields=[
                ('pipeline', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='punctuality', serialize=False, to='pipelines.pipeline')),
                ('state', models.CharField(blank=True, choices=[('on_time', 'On time'), ('late', 'Late'), ('missed', 'Missed'), ('running_long', 'Running long'), ('recovered', 'Recovered'), ('waiting', 'Not due yet'), ('paused', 'Paused'), ('unknown', 'No news')], max_length=12)),
                ('since', models.DateTimeField(null=True)),
                ('sentence', models.TextField(blank=True)),
                ('basis', models.CharField(blank=True, choices=[('schedule', 'Its schedule'), ('person', 'Set by a person')], max_length=8)),
                ('expected', models.TextField(blank=True)),
                ('reason', models.TextField(blank=True)),
                ('expected_from', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('next_due_at', models.DateTimeField(null=True)),
                ('troubled_at', models.DateTimeField(null=True)),
                ('longest_seconds', models.PositiveIntegerField(null=True)),
                ('learned_at', models.DateTimeField(null=True)),
                ('judge_at', models.DateTimeField(null=True)),
                ('judged_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name_plural': 'punctuality',
                'indexes': [models.Index(condition=models.Q(('judge_at__isnull', False)), fields=['judge_at'], name='punctuality_due'), models.Index(condition=models.Q(('state__in', ['late', 'missed', 'running_long'])), fields=['state'], name='punctuality_trouble')],
            },
        ),
        migrations.CreateModel(
            name='PauseSpan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('pipeline', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pauses', to='pipelines.pipeline')),
            ],
            options={
                'ordering': ['started_at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('pipeline',), name='one_open_pause_a_pipeline')],
            },
        ),
        migrations.RunSQL(
            """
            INSERT INTO pipelines_punctuality (pipeline_id, state, sentence, basis, expected, reason, judge_at)
            SELECT id, '', '', '', '', '', now() FROM pipelines_pipeline;
            INSERT INTO pipelines_pausespan (pipeline_id, started_at)
            SELECT id, now() FROM pipelines_pipeline WHERE is_paused
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
