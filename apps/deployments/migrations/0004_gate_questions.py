"""Systems that ask before they deploy."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0003_change_failures'),
        ('sources', '0006_receivers'),
    ]

    operations = [
        migrations.CreateModel(
            name='GateQuestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('delivery_id', models.CharField(max_length=200)),
                ('repository', models.CharField(max_length=300)),
                ('environment_name', models.CharField(max_length=120)),
                ('callback_url', models.CharField(max_length=1000)),
                ('installation', models.CharField(blank=True, max_length=40)),
                ('revision', models.CharField(blank=True, max_length=300)),
                ('reference', models.CharField(blank=True, max_length=300)),
                ('asked_by', models.CharField(blank=True, max_length=200)),
                ('asked_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('waiting', 'Waits for an answer'), ('approved', 'May deploy'), ('rejected', 'May not'), ('failed', 'Not answered')], default='waiting', max_length=10)),
                ('reasons', models.JSONField(default=list)),
                ('answered_at', models.DateTimeField(null=True)),
                ('is_told_unknown', models.BooleanField(default=False)),
                ('tries', models.PositiveIntegerField(default=0)),
                ('next_try_at', models.DateTimeField(null=True)),
                ('claim_id', models.UUIDField(null=True)),
                ('error', models.TextField(blank=True)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='gate_questions', to='sources.source')),
            ],
            options={
                'ordering': ['-asked_at', '-id'],
                'indexes': [models.Index(fields=['-asked_at', '-id'], name='gate_newest'), models.Index(condition=models.Q(('next_try_at__isnull', False)), fields=['next_try_at'], name='gate_due')],
                'constraints': [models.UniqueConstraint(fields=('source', 'delivery_id'), name='one_question_a_delivery')],
            },
        ),
    ]
