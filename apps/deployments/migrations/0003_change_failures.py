"""What is said of the link between a change and the trouble after it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0002_holds_and_freezes'),
        ('events', '0002_ledger_append_only'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ChangeFailure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cause_kind', models.CharField(choices=[('rollback', 'Rollback'), ('alert', 'Alert'), ('health', 'Feature health'), ('incident', 'Incident')], max_length=10)),
                ('reference', models.CharField(max_length=80)),
                ('title', models.CharField(blank=True, max_length=300)),
                ('url', models.CharField(blank=True, max_length=300)),
                ('state', models.CharField(choices=[('inferred', 'Inferred'), ('confirmed', 'Confirmed'), ('cut', 'Cut')], max_length=10)),
                ('began_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('decided_by', models.CharField(blank=True, max_length=200)),
                ('decided_at', models.DateTimeField()),
                ('reason', models.TextField(blank=True)),
                ('cause', models.ForeignKey(null=True, db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='events.event')),
                ('change', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='failures', to='events.event')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('change', 'reference'), name='one_link_a_change_and_trouble')],
            },
        ),
    ]
