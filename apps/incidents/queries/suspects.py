"""What changed before an incident: the records gathered, and put to the pure ranking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from apps.catalog import queries as catalog
from apps.core.ui.formats import number_text
from apps.incidents.models import Incident, Verdict
from apps.incidents.queries import gathering, symptoms
from apps.incidents.queries.gathering import Surroundings
from apps.incidents.status import SuspectVerdict
from apps.incidents.suspects.binning import DAY, HOUR, Span, plan_of
from apps.incidents.suspects.candidates import candidates_of
from apps.incidents.suspects.facts import Case, CauseKind, Neighbour, Ranking, Series, Times
from apps.incidents.suspects.kinds import priors
from apps.incidents.suspects.neighbours import AFTER, BEFORE, BIN, DAYS_BACK, neighbour_of
from apps.incidents.suspects.onset import PLENTY
from apps.incidents.suspects.ranking import first_onset, rank, read_symptoms
from apps.incidents.suspects.reach import touched_features
from apps.monitors.models import Alert

AFTERMATH = timedelta(hours=3)  # how long after its end an incident's numbers still say something
FOLLOWED = timedelta(hours=12)
ALERTED = timedelta(hours=1)  # how long before the impact an alert may have opened about it
TAUGHT = {SuspectVerdict.CAUSE: (1.0, 0.0), SuspectVerdict.CONTRIBUTED: (0.5, 0.5), SuspectVerdict.CLEARED: (0.0, 1.0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a cause is looked for: an incident, or an alert that has just opened."""

    features: frozenset[int]
    components: frozenset[int]
    impact_started_at: datetime
    detected_at: datetime
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """What a symptom did at the onset: its mean in the hours before, and until it was noticed."""

    label: str
    before: float
    after: float
    unit: str

    @property
    def text(self) -> str:
        """ "Usual wait: 0.8 s before, 1.4 s after"."""
        return f"{self.label}: {number_text(self.before, self.unit)} before, {number_text(self.after, self.unit)} after"


@dataclass(frozen=True, slots=True)
class Answer:
    """The ranking with what it was made from."""

    ranking: Ranking
    case: Case
    around: Surroundings
    symptoms: list[Series]
    gains: tuple[float, ...]  # how much each symptom moved, in the order of `symptoms`
    asked_at: datetime

    @property
    def moves(self) -> list[Move]:
        """The symptoms that moved at the onset, the one that moved most first, with their means before and after."""
        found = [
            move
            for gain, series in sorted(zip(self.gains, self.symptoms, strict=True), key=lambda pair: -pair[0])
            if gain >= PLENTY and (move := _move(series, self.ranking.onset_at, self.case.times.detected_at))
        ]
        return found[:6]


def _move(series: Series, onset: float, detected: float) -> Move | None:
    before = series.values[(series.times >= onset - BEFORE) & (series.times < onset)]
    after = series.values[(series.times >= onset) & (series.times < max(detected, onset + HOUR))]
    if not len(before) or not len(after):
        return None
    return Move(series.label, float(before.mean()), float(after.mean()), series.unit)


def suspects_of(*, incident: Incident, at: datetime) -> Answer:
    """The ranking as of `at`: what happened later is not known. Thirteen queries, whatever lies in the database."""
    trouble = Trouble(
        features=frozenset(incident.features.values_list("pk", flat=True)),
        components=frozenset(incident.components.values_list("pk", flat=True)),
        impact_started_at=incident.impact_started_at,
        detected_at=incident.detected_at,
        mitigated_at=incident.mitigated_at,
        resolved_at=incident.resolved_at,
    )
    return rank_before(trouble=trouble, at=at)


def suspects_of_alert(*, alert: Alert, at: datetime) -> Answer | None:
    """The same before an alert opened; None for one that touches no feature."""
    features = {alert.feature_id} if alert.feature_id else set()
    if not features and alert.component_id:
        features = catalog.blast_radius([alert.component_id])
    if not features:
        return None
    trouble = Trouble(
        features=frozenset(features),
        components=frozenset([alert.component_id] if alert.component_id else []),
        impact_started_at=alert.opened_at,
        detected_at=alert.opened_at,
        resolved_at=alert.resolved_at,
    )
    return rank_before(trouble=trouble, at=at)


def rank_before(*, trouble: Trouble, at: datetime) -> Answer:
    """Everything that changed before the trouble, ranked as of `at`."""
    features = trouble.features
    around = gathering.surroundings(feature_ids=features, component_ids=trouble.components)
    case = _case(trouble, around, at)
    rows = symptoms.symptom_series(feature_ids=features, component_ids=())
    plan = plan_of(case.times)
    usual = symptoms.read_usual(rows=rows, start=plan.usual_from)
    coarse = symptoms.as_series(rows, symptoms.read_bins(rows=rows, spans=plan.coarse), usual)
    first = first_onset(case, coarse)
    plan = plan_of(case.times, around=first.best)
    read_series = symptoms.as_series(rows, symptoms.read_bins(rows=rows, spans=plan.whole), usual)
    read = read_symptoms(case, read_series, around=first.best)
    beside = _neighbours(case, around, read.onset.best, without={int(one.key) for one in read_series})
    return Answer(rank(case, read, beside), case, around, read_series, read.onset.gains, at)


def learned() -> Mapping[CauseKind, tuple[float, float]]:
    """What the verdicts of all incidents say of each kind: (causes, cleared)."""
    found: dict[CauseKind, tuple[float, float]] = {}
    counted = Verdict.objects.order_by().values("kind", "verdict").annotate(times=Count("pk"))
    for row in counted:
        cause, cleared = TAUGHT[SuspectVerdict(row["verdict"])]
        kind = CauseKind(row["kind"])
        before = found.get(kind, (0.0, 0.0))
        found[kind] = (before[0] + cause * row["times"], before[1] + cleared * row["times"])
    return found


def _case(trouble: Trouble, around: Surroundings, at: datetime) -> Case:
    features = trouble.features
    until = min(at, (trouble.resolved_at or at) + AFTERMATH, trouble.detected_at + FOLLOWED)
    until = max(until, min(at, trouble.detected_at))
    start = min(trouble.impact_started_at, trouble.detected_at) - gathering.BACK
    changes = gathering.change_rows(around=around, feature_ids=features, start=start, end=until)
    runs = gathering.run_rows(around=around, feature_ids=features, start=start, end=until)
    alerts = gathering.alert_rows(around=around, own=around.own(features), start=start, end=until)
    began, mitigated = _noticed(trouble, around), trouble.mitigated_at
    return Case(
        times=Times(
            impact_started_at=began.timestamp(),
            detected_at=trouble.detected_at.timestamp(),
            mitigated_at=mitigated.timestamp() if mitigated and mitigated <= at else None,
            until=until.timestamp(),
        ),
        features=features,
        candidates=candidates_of(
            changes=changes, runs=runs, alerts=alerts, start=start.timestamp(), end=until.timestamp()
        ),
        graph=around.graph,
        priors=priors(learned()),
        names=around.names,
    )


def _noticed(trouble: Trouble, around: Surroundings) -> datetime:
    """When the impact had begun as far as people and alerts say."""
    said, features = trouble.impact_started_at, trouble.features
    own = around.own(features)
    found = gathering.first_alert(own=own, feature_ids=features, start=said - ALERTED, end=trouble.detected_at)
    return min(said, found) if found else said


def _neighbours(case: Case, around: Surroundings, onset: float, *, without: set[int]) -> list[Neighbour]:
    """How the other features that a candidate could touch did at the onset, and the components between."""
    touched: set[int] = set()
    places = {(one.component_id, one.feature_id): one for one in case.candidates}
    for candidate in places.values():
        touched |= set(touched_features(case.graph, candidate))
    rows = symptoms.series_beside(
        feature_ids=touched - case.features,
        component_ids=around.needed - around.own(case.features),
        without=without,
    )
    until = case.times.until
    spans = [Span(onset - days * DAY - BEFORE, min(onset + AFTER, until) - days * DAY, BIN)
             for days in range(DAYS_BACK + 1)]  # fmt: skip
    series = symptoms.as_series(rows, symptoms.read_bins(rows=rows, spans=spans), {})
    found = [neighbour_of(one, onset=onset, until=until) for one in series]
    return [one for one in found if one is not None]
