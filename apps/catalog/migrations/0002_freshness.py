"""How old the data of a component may be."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="component", name="freshness", field=models.JSONField(blank=True, null=True)
        ),
        migrations.AddIndex(
            model_name="component",
            index=models.Index(
                condition=models.Q(("freshness__isnull", False)), fields=["updated_at"], name="component_with_freshness"
            ),
        ),
    ]
