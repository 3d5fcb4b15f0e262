"""What runs where: one row a component and kind, grouped by feature, one column an environment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from apps.deployments.models import Deployment, Hold, LatestAttempt, RevisionKind, Running
from apps.deployments.queries.holds import open_holds
from apps.deployments.status import DeploymentState

MOST_PLACES = 2000  # cells that are read; more components need a filter
PlaceKey = tuple[int, str, str, str]  # source, the source's own names of component and environment, kind
_SAME_PLACE = {name: OuterRef(name) for name in ("source_id", "component_name", "environment_name", "kind")}


@dataclass(frozen=True, slots=True)
class Place:
    """A column of the matrix."""

    name: str
    rank: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One place: what really runs there, and the newest attempt where that is something else or still under way."""

    where: str
    running: Running | None = None
    attempt: Deployment | None = None
    hold: Hold | None = None


@dataclass(slots=True)
class Row:
    """One component: its cells stand in the order of the columns, None where nothing was ever put."""

    component: str
    kind: str
    feature: str
    feature_url: str
    is_shared: bool  # a component that several features reach
    source: str = ""  # who tells it, where several sources tell of the same component
    cells: list[Cell | None] = field(default_factory=list)
    is_even: bool = True  # the same revision everywhere it runs


@dataclass(slots=True)
class Group:
    """The rows of one feature."""

    name: str
    url: str
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Component by environment."""

    places: list[Place]
    groups: list[Group]
    is_cut: bool
    broken: list[Hold]  # holds that somebody went against, in these places

    @property
    def columns(self) -> int:
        """How many columns the table has."""
        return len(self.places) + 2


def attempts() -> QuerySet[LatestAttempt]:
    """Every place that something was ever put into, with the newest attempt."""
    related = ("deployment__revision", "deployment__feature", "deployment__environment", "deployment__source")
    return LatestAttempt.objects.select_related(*related).defer("deployment__labels", "deployment__description")


def with_text(rows: QuerySet[LatestAttempt], text: str) -> QuerySet[LatestAttempt]:
    """Places of a component with this text in its name, or where a revision was put that has it."""
    return rows.filter(Q(component_name__icontains=text) | Q(deployment__revision__reference__icontains=text))


def attempts_with_live() -> QuerySet[LatestAttempt]:
    """The same with what really runs there beside each row, for exports: `live_revision`, `live_since`, `live_by`."""
    live = Running.objects.filter(**_SAME_PLACE)
    held = Hold.objects.filter(lifted_at=None, **_SAME_PLACE)
    return attempts().annotate(
        live_revision=Subquery(live.values("deployment__revision__reference")[:1]),
        live_since=Subquery(live.values("since")[:1]),
        live_by=Subquery(live.values("deployment__deployed_by")[:1]),
        is_held=Exists(held),
    )


def differing(rows: QuerySet[LatestAttempt], _value: object) -> QuerySet[LatestAttempt]:
    """Places of components that do not run in the same revision everywhere."""
    same = Running.objects.filter(**{name: OuterRef(name) for name in ("source_id", "component_name", "kind")})
    numbers = same.order_by().values("component_name").annotate(number=Count("deployment__revision", distinct=True))
    return rows.filter(Exists(numbers.filter(number__gt=1)))


def troubled(rows: QuerySet[LatestAttempt], _value: object) -> QuerySet[LatestAttempt]:
    """Places whose newest attempt did not go live, or that are held."""
    held = Hold.objects.filter(lifted_at=None, **_SAME_PLACE)
    return rows.filter(~Q(deployment__state=DeploymentState.SUCCEEDED) | Exists(held))


def matrix(*, rows: Iterable[LatestAttempt]) -> Matrix:
    """The places as a table: environments from first to last, features and components by name; two more queries."""
    found = list(rows)
    shown = found[:MOST_PLACES]
    places = sorted({_place(row.deployment) for row in shown}, key=lambda place: (place.rank, place.name))
    live, held = live_in(places=shown), {_key(hold): hold for hold in open_holds()}
    lines: dict[tuple[int, str, str], dict[Place, Cell]] = {}
    names: dict[tuple[int, str, str], Deployment] = {}
    for row in shown:
        line = (row.source_id, row.component_name, row.kind)
        cell = _cell(row, live.get(_key(row)), held.get(_key(row)))
        lines.setdefault(line, {})[_place(row.deployment)] = cell
        if line not in names or row.deployment.feature_id:
            names[line] = row.deployment
    told = Counter((name, kind) for _, name, kind in lines)
    ordered = sorted(lines, key=lambda line: (line[1].lower(), line[2], line[0]))
    rows_shown = [_row(names[line], lines[line], places, told[line[1:]] > 1) for line in ordered]
    broken = [hold for key in map(_key, shown) if (hold := held.get(key)) and hold.broken_at]
    return Matrix(places, _grouped(rows_shown), len(found) > len(shown), broken)


def live_in(*, places: Iterable[LatestAttempt]) -> dict[PlaceKey, Running]:
    """What really runs in these places."""
    wanted = list(places)
    rows = Running.objects.filter(
        source_id__in={row.source_id for row in wanted}, component_name__in={row.component_name for row in wanted}
    ).select_related("deployment__revision", "deployment__environment")
    return {_key(row): row for row in rows.defer("deployment__labels", "deployment__description")}


def _key(row: LatestAttempt | Running | Hold) -> PlaceKey:
    return row.source_id, row.component_name, row.environment_name, row.kind


def _place(deployment: Deployment) -> Place:
    environment = deployment.environment
    if environment is None:
        return Place(deployment.environment_name or "no environment", 1_000_000)
    return Place(environment.name, environment.rank)


def _cell(row: LatestAttempt, running: Running | None, hold: Hold | None) -> Cell:
    """The attempt stands beside what runs unless it is what runs."""
    is_live = running is not None and running.deployment_id == row.deployment_id
    return Cell(row.deployment.where, running, None if is_live else row.deployment, hold)


def _row(deployment: Deployment, cells: dict[Place, Cell], places: list[Place], is_told_twice: bool) -> Row:
    revisions = {cell.running.deployment.revision_id for cell in cells.values() if cell.running}
    feature, kind = deployment.feature, deployment.revision.kind
    return Row(
        component=deployment.component_name,
        kind="" if kind == RevisionKind.CODE else str(RevisionKind(kind).label),
        feature=feature.name if feature else "",
        feature_url=feature.get_absolute_url() if feature else "",
        is_shared=feature is None and bool(deployment.component_id),
        cells=[cells.get(place) for place in places],
        is_even=len(revisions) <= 1,
        source=deployment.source.name if is_told_twice else "",
    )


def _grouped(rows: list[Row]) -> list[Group]:
    """Features by name, then shared components, then what is mapped to nothing."""
    groups: dict[tuple[int, str], Group] = {}
    for row in rows:
        rank, name = (0, row.feature) if row.feature else (1, "Shared") if row.is_shared else (2, "Not mapped")
        groups.setdefault((rank, name), Group(name, row.feature_url)).rows.append(row)
    return [groups[key] for key in sorted(groups, key=lambda key: (key[0], key[1].lower()))]
