"""No sentence is written."""

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
loss = -np.log(p[label])
grad_logits = p - np.eye(4)[label]


def softmax(logits):
    grown = np.exp(logits - np.max(logits))
    return grown / np.sum(grown)


def cross_entropy(logits, label):
    shifted = logits - np.max(logits)
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

mae = "Yes."

# 4. A fancier loss

lmac_terms = ""
