"""Which sources are the portal itself. Pure."""

from typing import Final

SLUG: Final = "opsportal-evaluations"
DEMO_SLUG: Final = "opsportal-evaluations-demo"  # goes with the demo
SLUGS: Final = frozenset({SLUG, DEMO_SLUG})
