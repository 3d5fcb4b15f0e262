"""What the API remembers: the answers to requests that may be sent again."""

from __future__ import annotations

from django.db import models

from apps.accounts.models import ApiToken


class KeptAnswer(models.Model):
    """The first answer to a request with an Idempotency-Key, for whoever sends the same again within a day."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)  # SHA-256 of address and body: the same key with another body is a mistake
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(default="")  # as it was sent, byte by byte
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="one_answer_a_key")]
        indexes = [models.Index(fields=["at"], name="answer_oldest")]

    def __str__(self) -> str:
        return f"answer {self.status} to {self.key}"
