"""The two notebook runners on the same notebooks: what they agree on, and each known difference with its reason.

- ``casework``    a case, and how a notebook is made from a few lines
- ``cases_*``     the notebooks, by subject
- ``outcomes``    what a run gave, in a form in which two runs can be compared
- ``known``       the table of known differences
- ``runners``     which runners there are, and on which rung each is run
"""
