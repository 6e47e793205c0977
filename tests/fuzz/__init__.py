"""Mutation fuzzing of the bytes that come from the untrusted side.

``python -m tests.fuzz.protocol --frames 1000000`` is the long run; the test suite does a few thousand.
"""
