"""3.4 Optimizers: write your training, your plot and your answers here, or in a notebook of the same name.

Hand in this file together with history.json. Training belongs into `main`, which is not run for grading.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt

HISTORY = Path("history.json")


# a) Training


def main():
    """Train the CNN with each optimizer and several learning rates, and add every run to history.json.

    What only the training needs, such as your CNN or torchvision, is best imported in here.
    """
    runs = json.loads(HISTORY.read_text())["runs"] if HISTORY.exists() else []
    # Your training. Append for each:
    # {"model": "CNN", "optimizer": "SGD", "learning_rate": 0.1, "device": "cuda",
    #  "epochs": [1, 2, ...], "seconds": [...], "test_accuracy": [...]}
    HISTORY.write_text(json.dumps({"runs": runs}))


# b) The final plot

runs = json.loads(HISTORY.read_text())["runs"] if HISTORY.exists() else []
final = None  # a list: of each optimizer the one run of `runs` that you show in the plot

figure, axes = plt.subplots()
# Your plot: test accuracy over the epochs, one curve for each run in `final`.


# c) In words

# What did you expect of the plot, and what do you see?
explanation = """
"""

# Compare the optimizers: which rises faster, which ends higher, why, and what does the learning rate do to that?
discussion = """
"""


if __name__ == "__main__":
    main()
