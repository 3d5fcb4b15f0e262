"""How unusual each number of a stream is, from its own past alone: streaming, seasonal, robust, one pass."""

from apps.monitors.anomaly.detector import ALARM, Detector

__all__ = ["ALARM", "Detector"]
