"""When a pipeline's runs are expected, and whether they came. Pure: values and a time in, a judgement out.

schedules  a vendor's schedule text -> an expectation
learning   a history of starts      -> a proposed expectation
expectation, days, slots            -> the times at which something is due
judging    slots, runs, pauses, now -> what became of each slot, the state now and one sentence
"""
