"""Who wants the week by mail, and what was sent."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_token_signals"),
        ("catalog", "0002_freshness"),
        ("health", "0006_looks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DigestWish",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="digest_wish",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("is_wanted", models.BooleanField(default=False)),
                ("changed_at", models.DateTimeField()),
                ("features", models.ManyToManyField(blank=True, related_name="+", to="catalog.feature")),
                ("teams", models.ManyToManyField(blank=True, related_name="+", to="catalog.team")),
            ],
        ),
        migrations.CreateModel(
            name="Digest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("week_on", models.DateField()),
                ("claimed_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(default=1)),
                ("sent_at", models.DateTimeField(null=True)),
                ("problem", models.TextField(blank=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-week_on", "user"],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "week_on"), name="one_digest_a_person_and_week")
                ],
            },
        ),
    ]
