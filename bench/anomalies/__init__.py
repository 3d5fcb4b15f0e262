"""Made-up series with faults at known places, other detectors, and how to score both."""
