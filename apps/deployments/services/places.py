"""What ran in a place before each deployment and what runs there now, worked out from the whole story of the place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from psycopg import sql

from apps.core import bulk

Place = tuple[str, str, str]  # the source's own names of component and environment, and the kind of revision

# For every deployment of a place from `since` on: the revision that was live before it, and whether its own revision
# had been live there before that one ever was (a rollback, even if the source does not call it so; going forward to it
# again afterwards is none).
_HISTORY = sql.SQL(
    """
    UPDATE deployments_deployment AS deployment
    SET previous_revision_id = story.previous_id,
        is_rollback = deployment.is_told_rollback OR story.has_returned
    FROM (
        SELECT later.id, before.revision_id AS previous_id,
               before.revision_id IS DISTINCT FROM later.revision_id AND EXISTS (
                   SELECT 1 FROM deployments_deployment AS earlier
                   WHERE earlier.source_id = %(source_id)s AND earlier.component_name = later.component_name
                     AND earlier.environment_name = later.environment_name AND earlier.state = 'succeeded'
                     AND earlier.revision_id = later.revision_id AND earlier.started_at < debut.at
               ) AS has_returned
        FROM unnest(%(component)b::text[], %(environment)b::text[], %(kind)b::text[], %(since)b::timestamptz[])
             AS place(component_name, environment_name, kind, since)
        JOIN deployments_deployment AS later
          ON later.source_id = %(source_id)s AND later.component_name = place.component_name
         AND later.environment_name = place.environment_name AND later.started_at >= place.since
        JOIN deployments_revision AS revision ON revision.id = later.revision_id AND revision.kind = place.kind
        LEFT JOIN LATERAL (
            SELECT earlier.id, earlier.revision_id, earlier.started_at
            FROM deployments_deployment AS earlier
            JOIN deployments_revision AS its ON its.id = earlier.revision_id AND its.kind = place.kind
            WHERE earlier.source_id = %(source_id)s AND earlier.component_name = place.component_name
              AND earlier.environment_name = place.environment_name AND earlier.state = 'succeeded'
              AND (earlier.started_at, earlier.id) < (later.started_at, later.id)
            ORDER BY earlier.started_at DESC, earlier.id DESC LIMIT 1
        ) AS before ON true
        LEFT JOIN LATERAL (
            SELECT min(first.started_at) AS at FROM deployments_deployment AS first
            WHERE first.source_id = %(source_id)s AND first.component_name = later.component_name
              AND first.environment_name = later.environment_name AND first.state = 'succeeded'
              AND first.revision_id = before.revision_id
        ) AS debut ON true
    ) AS story
    WHERE deployment.id = story.id
      AND (deployment.previous_revision_id, deployment.is_rollback)
          IS DISTINCT FROM (story.previous_id, deployment.is_told_rollback OR story.has_returned)
    """
)

_NOW = sql.SQL(
    """
    WITH place AS (
        SELECT * FROM unnest(%(component)b::text[], %(environment)b::text[], %(kind)b::text[])
                      AS place(component_name, environment_name, kind)
    ),
    live AS (
        SELECT place.*, newest.id, newest.since
        FROM place LEFT JOIN LATERAL (
            SELECT deployment.id, COALESCE(deployment.finished_at, deployment.started_at) AS since
            FROM deployments_deployment AS deployment
            JOIN deployments_revision AS its ON its.id = deployment.revision_id AND its.kind = place.kind
            WHERE deployment.source_id = %(source_id)s AND deployment.component_name = place.component_name
              AND deployment.environment_name = place.environment_name AND deployment.state = 'succeeded'
            ORDER BY deployment.started_at DESC, deployment.id DESC LIMIT 1
        ) AS newest ON true
    ),
    emptied AS (
        DELETE FROM deployments_running AS running USING live
        WHERE live.id IS NULL AND running.source_id = %(source_id)s
          AND running.component_name = live.component_name AND running.environment_name = live.environment_name
          AND running.kind = live.kind
    )
    INSERT INTO deployments_running AS running (source_id, component_name, environment_name, kind, deployment_id, since)
    SELECT %(source_id)s, component_name, environment_name, kind, id, since FROM live WHERE id IS NOT NULL
    ON CONFLICT (source_id, component_name, environment_name, kind)
    DO UPDATE SET deployment_id = excluded.deployment_id, since = excluded.since
    WHERE (running.deployment_id, running.since) IS DISTINCT FROM (excluded.deployment_id, excluded.since)
    """
)

_LATEST = sql.SQL(
    """
    WITH latest AS (
        SELECT place.*, newest.id
        FROM unnest(%(component)b::text[], %(environment)b::text[], %(kind)b::text[])
             AS place(component_name, environment_name, kind)
        LEFT JOIN LATERAL (
            SELECT deployment.id
            FROM deployments_deployment AS deployment
            JOIN deployments_revision AS its ON its.id = deployment.revision_id AND its.kind = place.kind
            WHERE deployment.source_id = %(source_id)s AND deployment.component_name = place.component_name
              AND deployment.environment_name = place.environment_name
            ORDER BY deployment.started_at DESC, deployment.id DESC LIMIT 1
        ) AS newest ON true
    ),
    emptied AS (
        DELETE FROM deployments_latestattempt AS kept USING latest
        WHERE latest.id IS NULL AND kept.source_id = %(source_id)s
          AND kept.component_name = latest.component_name AND kept.environment_name = latest.environment_name
          AND kept.kind = latest.kind
    )
    INSERT INTO deployments_latestattempt AS kept (source_id, component_name, environment_name, kind, deployment_id)
    SELECT %(source_id)s, component_name, environment_name, kind, id FROM latest WHERE id IS NOT NULL
    ON CONFLICT (source_id, component_name, environment_name, kind)
    DO UPDATE SET deployment_id = excluded.deployment_id WHERE kept.deployment_id <> excluded.deployment_id
    """
)


def refresh_places(*, source_id: int, since: Mapping[Place, datetime]) -> None:
    """Put `previous_revision`, `is_rollback`, `Running` and `LatestAttempt` right for these places.

    The story of each place is read from its `since` on.
    """
    params = {
        "source_id": source_id,
        "component": [component for component, _, _ in since],
        "environment": [environment for _, environment, _ in since],
        "kind": [kind for _, _, kind in since],
    }
    bulk.fetch(_HISTORY, params | {"since": list(since.values())})
    bulk.fetch(_NOW, params)
    bulk.fetch(_LATEST, params)
