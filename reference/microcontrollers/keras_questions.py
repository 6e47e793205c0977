"""Questions about Keras: what Dense, ReLU and softmax compute (microcontrollers, student task on Keras).

Conventions: x is the input, W the kernel, b the bias of Dense, and sigma any activation; softmax is about element x_i.
"""

from grader import misconception, quantity


@quantity
def dense():
    """Operation of the Dense layer."""
    return "sigma(x*W + b)"


@misconception("dense", "The bias is missing: Dense adds one unless told otherwise.")
def bias_missing():
    return "sigma(x*W)"


@misconception("dense", "The activation is missing: Dense applies it to the sum. (Left out, it is the identity.)")
def activation_missing():
    return "x*W + b"


@misconception("dense", "Bias and activation are missing.")
def product_alone():
    return "x*W"


@misconception("dense", "The bias belongs into the activation: it shifts the sum, not the output.")
def bias_outside():
    return "sigma(x*W) + b"


@misconception("dense", "The activation comes last, after the product with the kernel.")
def activation_of_the_input():
    return "sigma(x)*W + b"


@quantity
def dense_shape():
    """Shape of what comes out of Dense(7) for a batch of shape (5, 28, 28, 3)."""
    return [5, 28, 28, 7]


@misconception("dense_shape", "Dense does not flatten: it acts on the last axis, and all others stay.")
def flattened():
    return [5, 7]


@misconception("dense_shape", "The batch is no axis of the data: it stays as it is.")
def batch_replaced():
    return [7, 28, 28, 3]


@misconception("dense_shape", "The last axis holds the inputs of the layer; its outputs take their place.")
def axis_appended():
    return [5, 28, 28, 3, 7]


@quantity
def relu():
    """ReLU of a number."""
    return "max(0, x)"


@misconception("relu", "That is leaky ReLU, which lets negative numbers through a little.")
def leaky():
    return "max(0.01*x, x)"


@misconception("relu", "That is the absolute value: negative numbers become 0, not positive.")
def absolute():
    return "abs(x)"


@misconception("relu", "That keeps the negative numbers, and not the positive ones.")
def minimum():
    return "min(0, x)"


@misconception("relu", "That is softplus, a smooth relative of ReLU.")
def softplus():
    return "log(1 + exp(x))"


@misconception("relu", "That is the sigmoid.")
def sigmoid():
    return "1/(1 + exp(-x))"


@quantity
def softmax():
    """Softmax, element i."""
    return "exp(x_i)/sum_j(exp(x_j))"


@misconception("softmax", "The exponential function is missing, so negative inputs would give negative shares.")
def plain_share():
    return "x_i/sum_j(x_j)"


@misconception("softmax", "That is the sigmoid of each element: the elements need not add up to one.")
def sigmoid_of_each():
    return "1/(1 + exp(-x_i))"


@misconception("softmax", "It is not normalised: divide by the sum over all elements.")
def not_normalised():
    return "exp(x_i)"


@misconception("softmax", "Divide by the sum over all elements, not by the largest one.")
def divided_by_largest():
    return "exp(x_i)/max_j(exp(x_j))"


@misconception("softmax", "The sum below runs over the exponentials, too.")
def sum_of_inputs():
    return "exp(x_i)/sum_j(x_j)"


@misconception("softmax", "The base is e, and not 2.")
def powers_of_two():
    return "2^x_i/sum_j(2^x_j)"


@misconception("softmax", "The sign is turned: the largest input gets the largest share.")
def sign_turned():
    return "exp(-x_i)/sum_j(exp(-x_j))"
