"""The pipelines of Fernway: when they run, their steps, and how they may go wrong."""

from __future__ import annotations

from dataclasses import dataclass

from apps.demo.world.calendar import local_moment
from apps.demo.world.dice import DAY, HOUR, MINUTE

ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Every so many seconds, or (with `hour`) once a day or once a week by the clocks of Berlin."""

    cron: str
    every: int = 0
    offset: int = 0
    hour: float | None = None
    weekday: int | None = None  # 0 is Monday

    def slots(self, day: int) -> list[int]:
        """The seconds at which a run is due on a UTC day since 1970."""
        if self.hour is None:
            return list(range(day * DAY + self.offset, (day + 1) * DAY, self.every))
        if self.weekday is not None and (day + 3) % 7 != self.weekday:
            return []
        return [local_moment(day, self.hour, ZONE)]


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a run, from and to as shares of the whole run."""

    name: str
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Fault:
    """What stops a run: in which step, and the first line of the error."""

    step: int
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One flow. Chances are those of a single run; `delay` is how late a late one is, in seconds."""

    slug: str
    description: str
    team: str
    schedule: Schedule
    minutes: float
    steps: tuple[Step, ...]
    faults: tuple[Fault, ...]
    fails: float
    retries: float
    crashes: float = 0.002
    is_cancelled: float = 0.001
    is_late: float = 0.01
    delay: tuple[int, int] = (2 * MINUTE, 6 * MINUTE)
    is_rerun: bool = False  # by hand, the next morning
    system: str = "prefect"  # the orchestrator that tells its runs
    refreshes: str = ""  # the index it keeps fresh


def _steps(*parts: tuple[str, float]) -> tuple[Step, ...]:
    """Steps one after the other, with their lengths in any unit."""
    total, at, steps = sum(length for _, length in parts), 0.0, []
    for name, length in parts:
        steps.append(Step(name, at / total, (at + length) / total))
        at += length
    return tuple(steps)


KNOWLEDGE_REFRESH = Pipeline(
    slug="knowledge-refresh",
    description="Reads the whole help center again and builds its index anew.",
    team="platform",
    schedule=Schedule("0 22 * * *", hour=22),
    minutes=98,
    steps=_steps(
        ("List pages", 3), ("Fetch changed pages", 22), ("Split into passages", 9), ("Embed passages", 41),
        ("Build index", 15), ("Check search quality", 6), ("Swap index", 2),
    ),
    faults=(
        Fault(1, "ConnectionResetError: [Errno 104] Connection reset by peer (help.fernway.example, page 8112)"),
        Fault(3, "RateLimitError: embed-3 refused 1,204 of 12,480 passages (429 Too Many Requests)"),
        Fault(5, "AssertionError: recall@5 on 400 known questions is 0.71, at least 0.85 was expected"),
    ),
    fails=0.05, retries=0.16, crashes=0.01, is_late=0.09, delay=(20 * MINUTE, 70 * MINUTE), is_rerun=True,
    refreshes="help-center",
)  # fmt: skip

KNOWLEDGE_DELTA = Pipeline(
    slug="knowledge-delta",
    description="Adds help center pages that changed within the hour.",
    team="platform",
    schedule=Schedule("5 * * * *", every=HOUR, offset=5 * MINUTE),
    minutes=6,
    steps=_steps(("Fetch changed pages", 2), ("Embed passages", 3), ("Update index", 1)),
    faults=(
        Fault(0, "TimeoutError: help.fernway.example did not answer within 30 s"),
        Fault(2, "ConflictError: index help-center is locked by run knowledge-refresh"),
    ),
    fails=0.014, retries=0.04, refreshes="help-center",
)  # fmt: skip

NIGHTLY_EVALUATION = Pipeline(
    slug="nightly-evaluation",
    description="Scores a sample of yesterday's answers for every feature.",
    team="platform",
    schedule=Schedule("0 2 * * *", hour=2),
    minutes=54,
    steps=(
        Step("Load answers", 0.0, 0.06), Step("Sample by feature", 0.06, 0.086),
        Step("Mask personal data", 0.086, 0.152), Step("Replay prompts", 0.152, 0.28),
        Step("Check policy rules", 0.152, 0.214),
        Step("Score with judge", 0.293, 0.844), Step("Compare weeks", 0.844, 0.919),
        Step("Write report", 0.919, 0.985), Step("Send summary", 0.985, 1.0),
    ),
    faults=(
        Fault(5, "TimeoutError: judge did not answer within 30 s after 3 retries (answer 2,561 of 4,200)"),
        Fault(3, "ProviderError: large-4 returned 503 for 61 of 420 replayed prompts"),
        Fault(0, "PermissionError: role evaluation_reader may not read table answers_2026"),
    ),
    fails=0.1, retries=0.2, crashes=0.02, is_late=0.07, delay=(15 * MINUTE, 50 * MINUTE), is_rerun=True,
)  # fmt: skip

COST_REPORT = Pipeline(
    slug="cost-report",
    description="Adds up what each feature cost last week and sends it to the teams.",
    team="platform",
    schedule=Schedule("0 6 * * 1", hour=6, weekday=0),
    minutes=11,
    steps=_steps(("Read provider invoices", 3), ("Read token counts", 4), ("Match to features", 2), ("Send report", 1)),
    faults=(Fault(2, "ValueError: 2.3% of tokens belong to no feature, at most 1% may"),),
    fails=0.08, retries=0.1, is_rerun=True,
)  # fmt: skip

DRIFT_CHECK = Pipeline(
    slug="drift-check",
    description="Compares the questions of the last six hours with those of last month.",
    team="platform",
    system="airflow",
    schedule=Schedule("30 */6 * * *", every=6 * HOUR, offset=30 * MINUTE),
    minutes=14,
    steps=_steps(("Read questions", 3), ("Embed questions", 6), ("Compare with last month", 4), ("Write findings", 1)),
    faults=(
        Fault(1, "MemoryError: Unable to allocate 1.91 GiB for an array with shape (334080, 1536)"),
        Fault(0, "OperationalError: canceling statement due to statement timeout"),
    ),
    fails=0.05, retries=0.08, is_late=0.03, delay=(3 * MINUTE, 14 * MINUTE),
)  # fmt: skip

EMBEDDINGS_SYNC = Pipeline(
    slug="embeddings-sync",
    description="Keeps the index of signed contracts in step with the contract archive.",
    team="search",
    system="dagster",
    schedule=Schedule("*/30 * * * *", every=30 * MINUTE),
    minutes=4,
    steps=_steps(("Read contract archive", 1), ("Embed clauses", 2), ("Update index", 1)),
    faults=(
        Fault(0, "requests.exceptions.HTTPError: 502 Bad Gateway for https://archive.fernway.example/changes"),
        Fault(1, "RateLimitError: embed-3 asked to wait 60 s, three times in a row"),
    ),
    fails=0.009, retries=0.03, refreshes="contracts",
)  # fmt: skip

FEEDBACK_EXPORT = Pipeline(
    slug="feedback-export",
    description="Copies thumbs and comments to the evaluation data set.",
    team="support",
    system="kubernetes",
    schedule=Schedule("45 */2 * * *", every=2 * HOUR, offset=45 * MINUTE),
    minutes=5,
    steps=_steps(("Read feedback", 2), ("Mask personal data", 2), ("Append to data set", 1)),
    faults=(Fault(1, "KeyError: 'locale' (feedback of mobile-app 7.2)"),),
    fails=0.015, retries=0.03,
)  # fmt: skip

INVOICE_IMPORT = Pipeline(
    slug="invoice-import",
    description="Fetches new invoices from the mail room and queues them for reading.",
    team="documents",
    system="dagster",
    schedule=Schedule("*/15 * * * *", every=15 * MINUTE),
    minutes=2.5,
    steps=_steps(("Fetch documents", 1), ("Recognize text", 3), ("Queue for reading", 1)),
    faults=(
        Fault(0, "imaplib.IMAP4.abort: socket error: EOF"),
        Fault(1, "OcrError: 3 of 41 pages could not be read (encrypted PDF)"),
    ),
    fails=0.006, retries=0.02,
)  # fmt: skip

CATALOG_FEED = Pipeline(
    slug="catalog-feed",
    description="Takes product facts from the shop and updates the product index.",
    team="commerce",
    system="airflow",
    schedule=Schedule("20 * * * *", every=HOUR, offset=20 * MINUTE),
    minutes=8,
    steps=_steps(("Read product feed", 2), ("Check facts", 1), ("Embed products", 4), ("Update index", 1)),
    faults=(
        Fault(1, "ValidationError: 312 products without a category, at most 50 may be"),
        Fault(0, "xml.etree.ElementTree.ParseError: not well-formed (invalid token): line 48211, column 17"),
    ),
    fails=0.012, retries=0.03, is_cancelled=0.003, refreshes="products",
)  # fmt: skip

PIPELINES = (
    KNOWLEDGE_REFRESH,
    KNOWLEDGE_DELTA,
    NIGHTLY_EVALUATION,
    COST_REPORT,
    DRIFT_CHECK,
    EMBEDDINGS_SYNC,
    FEEDBACK_EXPORT,
    INVOICE_IMPORT,
    CATALOG_FEED,
)
PIPELINE = {pipeline.slug: pipeline for pipeline in PIPELINES}
