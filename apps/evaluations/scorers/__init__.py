"""Rules that turn an answer into a number; `registry.py` lists them. Pure."""
