"""Seeded worlds with one planted cause among many innocent changes, and how well the ranking finds it.

`python -m bench.scenarios --count 500` prints the share of incidents whose true cause is the first suspect, or one of
the first three, by kind of cause, beside "the latest change" as the naive answer.
"""
