"""Stands for the sources of the other exercises."""
