"""The CloudEvents SDK sends CDEvents to the portal, structured and binary."""

from __future__ import annotations

import urllib.request
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from apps.deployments.models import Deployment
from apps.pipelines.models import Run
from tests.live.receiving import Listening, listening  # noqa: F401 - a fixture

pytestmark = [pytest.mark.live]


def cdevent(kind: str, identity: str, subject: dict) -> CloudEvent:
    kind, at = f"dev.cdevents.{kind}", datetime.now(UTC)
    context = {"version": "0.4.1", "id": identity, "source": "/ci", "type": kind, "timestamp": at.isoformat()}
    attributes = {"type": kind, "source": "/ci", "id": identity, "time": at, "datacontenttype": "application/json"}
    return CloudEvent(attributes=attributes, data={"context": context, "subject": subject})


def test_a_build_and_its_deployment_arrive(listening: Listening) -> None:  # noqa: F811
    run = {"id": "build-7", "type": "pipelineRun", "content": {"pipelineName": "build"}}
    finished = run | {"content": {"pipelineName": "build", "outcome": "success"}}
    content = {"environment": {"id": "production"}, "artifactId": "pkg:oci/answers@1.2.3"}
    service = {"id": "answers", "type": "service", "content": content}
    for make, event in (
        (to_structured_event, cdevent("pipelinerun.started.0.2.0", "1", run)),
        (to_binary_event, cdevent("pipelinerun.finished.0.2.0", "2", finished)),
        (to_binary_event, cdevent("service.deployed.0.2.0", "3", service)),
    ):
        message = make(event)
        request = urllib.request.Request(
            f"{listening.api}/events/reports", data=message.body, headers={**message.headers, **listening.headers}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
    assert (Run.objects.get().pipeline.name, Run.objects.get().state) == ("build", "succeeded")
    deployed = Deployment.objects.get()
    assert (deployed.component.slug, deployed.environment.slug) == ("answers", "production")
    assert deployed.revision.reference == "1.2.3"
