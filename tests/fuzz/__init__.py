"""Random input by the thousand: frames from the untrusted side that are broken, and networks whose cost is counted.

``python -m tests.fuzz.protocol --frames 1000000`` and ``python -m tests.fuzz.networks --networks 10000`` are the long
runs, and so are ``keras_networks`` and ``onnx_networks``; the test suite does a few thousand frames, 150 networks of
torch, 40 of Keras and 150 of ONNX.
"""
