"""The text formats of Prometheus and OpenMetrics, for every connector whose system has a `/metrics`."""
