"""Components whose missed run is an incident."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_freshness")]

    operations = [
        migrations.AddField(
            model_name="component", name="is_critical", field=models.BooleanField(db_default=False, default=False)
        ),
    ]
