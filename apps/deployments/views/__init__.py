"""Pages of deployments, holds and freezes."""
