"""Benchmarks: run by hand and by name, never by the test suite."""
