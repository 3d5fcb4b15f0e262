"""The portal notes on the timeline when the trouble is over."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0002_explanation")]

    operations = [
        migrations.AlterField(
            model_name="timelineentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("note", "Note"),
                    ("symptom", "Symptom"),
                    ("finding", "Finding"),
                    ("decision", "Decision"),
                    ("action", "Action"),
                    ("recovery", "Recovery"),
                    ("state", "State"),
                    ("role", "Role"),
                ],
                default="note",
                max_length=8,
            ),
        ),
    ]
