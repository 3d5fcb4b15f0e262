"""Numbers that systems send by themselves, over OTLP or Prometheus remote write: decoded and read, purely."""
