"""Pages of prompts and change requests."""
