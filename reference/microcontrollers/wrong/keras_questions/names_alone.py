"""Formulas that name what is asked for, or mix up its parts, beside written answers."""

sequential_model = "A linear stack of layers, where each has one input and one output."
layer_families = "Dense, Conv2D, MaxPooling2D and LSTM, each from a family of its own"
dense = "sigma(x + W + b)"
dense_shape = [5, 28, 7, 3]
activation = "A nonlinear function of the weighted sum of a neuron."
relu = "relu(x)"
softmax = "softmax(x_i)"
sparse_layers = "Dense with a mask on its kernel"
