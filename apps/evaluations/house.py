"""Which source is the portal itself. Pure."""

from typing import Final

SLUG: Final = "opsportal-evaluations"
