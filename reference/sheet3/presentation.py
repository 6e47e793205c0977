"""Willingness to present and the paper (sheet 3, exercise 3.5): there is nothing to compute; the rubric says it all."""
