"""Random input by the thousand: frames from the untrusted side that are broken, and networks whose cost is counted.

``python -m tests.fuzz.protocol --frames 1000000`` and ``python -m tests.fuzz.networks --networks 10000`` are the long
runs; the test suite does a few thousand, and 150.
"""
