"""Alerts that the portal opens itself, beside those that sources tell of."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0001_initial'),
        ('monitors', '0001_initial'),
        ('sources', '0004_identity'),
    ]

    operations = [
        migrations.AddField(
            model_name='alert',
            name='is_own',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(condition=models.Q(('is_own', True), ('resolved_at__isnull', True)), fields=['external_id'], name='alert_open_own'),
        ),
    ]
