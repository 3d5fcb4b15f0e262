"""Real upstream servers, and the portal's own poller pointed at them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live import servers

PREFECT_AUTH = "admin:correct-horse"


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Prefect server."""
    with prefect_server(tmp_path_factory.mktemp("prefect"), {}) as base:
        yield base


@pytest.fixture(scope="session")
def guarded_prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Prefect server that wants PREFECT_AUTH."""
    with prefect_server(tmp_path_factory.mktemp("guarded"), {"PREFECT_SERVER_API_AUTH_STRING": PREFECT_AUTH}) as base:
        yield base


@contextmanager
def prefect_server(home: Path, env: dict[str, str]) -> Iterator[str]:
    """The address of a Prefect server of its own."""
    port = servers.free_port()
    base = f"http://127.0.0.1:{port}"
    command = [servers.executable("prefect", "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with servers.running(command, home=home, ready_url=f"{base}/api/health", env={"PREFECT_HOME": str(home), **env}):
        yield base


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real MLflow tracking server."""
    home, port = tmp_path_factory.mktemp("mlflow"), servers.free_port()
    base = f"http://127.0.0.1:{port}"
    command = [servers.executable("mlflow", "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)]
    command += [
        "--backend-store-uri",
        f"sqlite:///{home}/mlflow.db",
        "--artifacts-destination",
        str(home / "artifacts"),
    ]
    env = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with servers.running([*command, "--workers", "1"], home=home, ready_url=f"{base}/health", env=env):
        yield base


class Exporter:
    """A page of metrics that tests write and Prometheus scrapes; while it `is_down`, scrapes fail."""

    def __init__(self) -> None:
        self.text = ""
        self.is_down = False

    def serve(self) -> Iterator[str]:
        """The exporter's host:port, while it runs in a thread of its own."""
        import threading
        from http.server import BaseHTTPRequestHandler, HTTPServer

        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exporter.text.encode()
                self.send_response(503 if exporter.is_down else 200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture(scope="session")
def exporter() -> Exporter:
    """What Prometheus will find when it scrapes."""
    return Exporter()


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory, exporter: Exporter) -> Iterator[str]:
    """The address of a real Prometheus that scrapes the exporter every second and has one alerting rule."""
    home, port = tmp_path_factory.mktemp("prometheus"), servers.free_port()
    base = f"http://127.0.0.1:{port}"
    serving = exporter.serve()
    target = next(serving)
    _configure(home, target)
    command = [servers.executable("prometheus", "prometheus"), f"--config.file={home}/prometheus.yml"]
    command += [f"--storage.tsdb.path={home}/data", f"--web.listen-address=127.0.0.1:{port}"]
    with servers.running(command, home=home, ready_url=f"{base}/-/ready"):
        yield base
    next(serving, None)


def _configure(home: Path, target: str) -> None:
    (home / "rules.yml").write_text(
        textwrap.dedent("""
        groups:
          - name: answers
            interval: 1s
            rules:
              - alert: AnswersSlow
                expr: answer_seconds > 3
                labels: {severity: page}
                annotations: {summary: "{{ $labels.feature }} needs {{ $value }} s"}
        """)
    )
    (home / "prometheus.yml").write_text(
        textwrap.dedent(f"""
        global: {{scrape_interval: 1s, evaluation_interval: 1s}}
        rule_files: [rules.yml]
        scrape_configs:
          - job_name: answers
            static_configs: [{{targets: ["{target}"]}}]
        """)
    )
