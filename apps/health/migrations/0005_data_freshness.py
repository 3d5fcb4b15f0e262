"""How old the data of components are, and what features are behind because of it."""

import django.db.models.deletion
from django.db import migrations, models

_STATES = [("fresh", "Fresh"), ("warn", "Aging"), ("fail", "Too old"), ("unknown", "Never heard")]


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_freshness"), ("health", "0004_bundles_immutable")]

    operations = [
        migrations.AddField("featurehealth", "data_as_of", models.DateTimeField(null=True)),
        migrations.AddField("featurehealth", "data_because", models.TextField(blank=True, default="")),
        migrations.AddField("featurehealth", "data_since", models.DateTimeField(null=True)),
        migrations.CreateModel(
            name="DataFreshness",
            fields=[
                (
                    "component",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="data",
                        serialize=False,
                        to="catalog.component",
                    ),
                ),
                ("status", models.CharField(choices=_STATES, default="unknown", max_length=10)),
                ("sentence", models.TextField()),
                ("since", models.DateTimeField()),
                ("as_of", models.DateTimeField(null=True)),
                ("cause_id", models.BigIntegerField(null=True)),
                ("because", models.TextField(blank=True)),
                ("troubled_at", models.DateTimeField(null=True)),
                ("judge_at", models.DateTimeField()),
                ("judged_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "data freshness",
                "indexes": [models.Index(fields=["judge_at"], name="data_due")],
            },
        ),
    ]
