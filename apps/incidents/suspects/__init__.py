"""What changed before this: a pure, explained ranking of what may have caused an incident.

One question is asked of every candidate: how likely is what we saw, if this one was the cause? The answers are
multiplied with how often its kind turns out to be a cause, and weighed against each other and against "none of them".
"""
