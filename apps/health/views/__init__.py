"""Pages of health: why a status, and whether what was tested is what runs."""
