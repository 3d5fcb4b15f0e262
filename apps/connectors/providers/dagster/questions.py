"""The GraphQL questions to Dagster; an unknown field makes a server refuse the whole question, so they are modest."""

from __future__ import annotations

_ERROR = "__typename ... on PythonError { message causes { message } }"

VERSION = "{ version }"

WORKSPACE = f"""
query Workspace {{ workspaceOrError {{ {_ERROR} ... on Workspace {{ locationEntries {{
  name loadStatus updatedTimestamp displayMetadata {{ key value }}
  locationOrLoadError {{ {_ERROR} ... on RepositoryLocation {{ repositories {{
    name
    jobs {{ name description isAssetJob tags {{ key value }} }}
    schedules {{ name pipelineName cronSchedule executionTimezone canReset scheduleState {{ status }} }}
    sensors {{ name canReset targets {{ pipelineName }} sensorState {{ status }} }}
  }} }} }}
}} }} }} }}
"""

DAEMONS = f"""
query Daemons {{ instance {{ daemonHealth {{ allDaemonStatuses {{
  daemonType required healthy lastHeartbeatTime lastHeartbeatErrors {{ {_ERROR} }}
}} }} }} }}
"""

RUNS = f"""
query Runs($filter: RunsFilter, $cursor: String, $limit: Int) {{
  runsOrError(filter: $filter, cursor: $cursor, limit: $limit) {{ {_ERROR} ... on Runs {{ results {{
    runId jobName status creationTime startTime endTime updateTime runConfig parentRunId
    tags {{ key value }} assetSelection {{ path }} repositoryOrigin {{ repositoryName repositoryLocationName }}
  }} }} }}
}}
"""

RUN_IDS = f"""
query RunIds($filter: RunsFilter, $cursor: String, $limit: Int) {{
  runIdsOrError(filter: $filter, cursor: $cursor, limit: $limit) {{ {_ERROR} ... on RunIds {{ results }} }}
}}
"""

RUN_COUNT = f"query RunCount {{ runsOrError(limit: 1) {{ {_ERROR} ... on Runs {{ count }} }} }}"

STEPS = f"""
query Steps($filter: RunsFilter, $limit: Int) {{
  runsOrError(filter: $filter, limit: $limit) {{ {_ERROR} ... on Runs {{ results {{
    runId status
    stepStats {{ stepKey status startTime endTime attempts {{ startTime endTime }} }}
    executionPlan {{ steps {{ key inputs {{ dependsOn {{ key }} }} }} }}
  }} }} }}
}}
"""

_EVENTS = f"""
  cursor hasMore events {{
    __typename
    ... on ExecutionStepFailureEvent {{ stepKey error {{ {_ERROR} }} }}
    ... on RunFailureEvent {{ message error {{ {_ERROR} }} }}
  }}
"""

FAILURES = f"""
query Failures($filter: RunsFilter, $limit: Int, $events: Int) {{
  runsOrError(filter: $filter, limit: $limit) {{ {_ERROR} ... on Runs {{ results {{
    runId eventConnection(limit: $events) {{ {_EVENTS} }}
  }} }} }}
}}
"""

EVENTS_AFTER = f"""
query EventsAfter($run: ID!, $after: String, $events: Int) {{
  runOrError(runId: $run) {{ {_ERROR} ... on Run {{
    runId eventConnection(afterCursor: $after, limit: $events) {{ {_EVENTS} }}
  }} }}
}}
"""
