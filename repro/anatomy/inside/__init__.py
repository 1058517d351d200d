"""Reads the formats that can carry code, as data: no class or function that a file names is imported or
called.

All of it but torch's zip files runs inside a replay's own container, under whatever Python is there: 3.7 and
later, the standard library alone, other libraries where they are.
"""
