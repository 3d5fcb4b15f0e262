"""Tails of distributions, by scipy. No framework; scipy's 16 MB are loaded by the first that is asked for."""

from __future__ import annotations


def normal_below(value: float) -> float:
    """The chance that a standard normal variable is at most `value`."""
    from scipy import special

    return float(special.ndtr(value))


def student_below(freedom: float, value: float) -> float:
    """The chance that Student's t with so many degrees of freedom is at most `value`."""
    from scipy import special

    return float(special.stdtr(freedom, value))


def student_point(freedom: float, chance: float) -> float:
    """The value that Student's t stays below with this chance; the inverse of `student_below`."""
    from scipy import special

    return float(special.stdtrit(freedom, chance))


def coins_at_most(heads: int, flips: int) -> float:
    """The chance of at most so many heads among fair flips."""
    from scipy import special

    return float(special.bdtr(heads, flips, 0.5))
