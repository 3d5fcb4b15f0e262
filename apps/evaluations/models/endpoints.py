"""Where the portal sends the cases of its own suites."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse

NOT_NEGATIVE = MinValueValidator(Decimal(0))


class EvaluationEndpoint(models.Model):
    """An OpenAI-compatible server and a model on it, with what it may cost. Prices are USD per million tokens."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120, unique=True)
    base_url = models.CharField(max_length=500)  # up to and with /v1
    model = models.CharField(max_length=200)
    secrets = models.BinaryField(default=b"", editable=False)  # {"api_key"}, encrypted; see sources/secrets.py
    concurrency = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(1), MaxValueValidator(64)], help_text="Questions at the same time."
    )
    requests_per_minute = models.PositiveIntegerField(
        default=600, validators=[MinValueValidator(1), MaxValueValidator(100_000)]
    )
    cost_limit = models.DecimalField(
        max_digits=10, decimal_places=2, default=Decimal(5), validators=[NOT_NEGATIVE]
    )  # USD of one run; it stops there
    input_price = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0), validators=[NOT_NEGATIVE])
    output_price = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0), validators=[NOT_NEGATIVE])
    allowed_networks = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    is_enabled = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(concurrency__gte=1), name="endpoint_asks_at_least_one"),
            models.CheckConstraint(condition=models.Q(requests_per_minute__gte=1), name="endpoint_asks_every_minute"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("evaluations:endpoint-change", args=[self.slug])
