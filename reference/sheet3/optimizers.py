"""Optimizers (sheet 3, exercise 3.4): there is nothing to compute; the history, the plot and the rubric say it all.

The history of the solution was measured with its own program on the embedded textures that stand in for CIFAR-10: 400
training and 300 test images, one thread of a CPU, seed 4. On these easy pictures Adam reaches 1.0, as on no real ones.
"""
