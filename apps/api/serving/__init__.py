"""Prompts over HTTP: Django's answer is the reference, and a memory in front of it gives the same bytes again."""
