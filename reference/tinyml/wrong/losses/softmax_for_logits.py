"""Softmax is applied twice: the probabilities are taken for logits."""

import numpy as np

# --- given ---
logits = np.array([-1.0, 2.0, 0.5, 1.5])
label = 2
Z = np.array(
    [
        [-2.0, 2.0, 1.0],
        [-1.5, 1.0, -0.5],
        [2.0, 1.0, 2.0],
        [0.5, -0.5, 1.5],
        [1.0, 1.5, -1.0],
        [2.0, 0.5, 2.0],
    ]
)
tau = 0.4
# --- end of given ---


# 1. Cross-entropy

p = np.exp(logits) / np.sum(np.exp(logits))
loss = -np.log(np.exp(p[label]) / np.sum(np.exp(p)))
grad_logits = p - np.eye(4)[label]


def softmax(logits):
    grown = np.exp(logits - np.max(logits))
    return grown / np.sum(grown)


def cross_entropy(logits, label):
    shifted = softmax(logits)
    return np.log(np.sum(np.exp(shifted))) - shifted[label]


def cross_entropy_gradient(logits, label):
    return softmax(logits) - np.eye(len(logits))[label]


# 2. SimCLR


def cosine_similarities(Z):
    directions = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    return directions @ directions.T


def pair_loss(sim, i, j, tau):
    grown = np.exp(sim[i] / tau)
    return -np.log(grown[j] / (np.sum(grown) - grown[i]))


def simclr_loss(sim, tau):
    losses = [pair_loss(sim, i, i ^ 1, tau) for i in range(len(sim))]
    return np.mean(losses)


sim = cosine_similarities(Z)
l_01 = pair_loss(sim, 0, 1, tau)
l_10 = pair_loss(sim, 1, 0, tau)
batch_loss = simclr_loss(sim, tau)

# 3. The mean absolute error

mae = """Its gradient has the same size everywhere, however small the error is, and at zero there is a kink without a
derivative. So the steps do not get smaller near the minimum, and with a constant learning rate the weights jump to and
fro around it. The gradient of the squared error shrinks with the error. With outliers, though, MAE is the better one."""

# 4. A fancier loss

lmac_terms = """The first term is the fidelity: the masked sound should be as similar to each text as C says, which I take
for the similarities of the whole sound. The second is the 1-norm of the mask; it makes the mask sparse, so that it
shows only what matters. The third is a regulariser D of the sounds, which the slides leave open. The two lambdas say how
much these count."""
