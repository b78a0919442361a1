"""Private programs: functions over values that a committee computes on and cannot read.

SPEC.md has the rules: what a program may be, what it reveals, what it means.
"""
