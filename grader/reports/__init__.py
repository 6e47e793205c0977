"""Reports for people and programs: pages, terminal output and JSON, all made from ``Report`` alone."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
