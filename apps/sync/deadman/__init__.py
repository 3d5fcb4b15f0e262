"""The dead-man switch: when nothing is polled any more, that silence is itself an alert.

Whoever is silent cannot tell, so nothing here depends on a worker, on beat or on the broker: every web process judges
by itself, and the one that holds a lock of the database writes the alert.
"""
