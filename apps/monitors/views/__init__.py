"""Pages of alerts, monitors and objectives."""
