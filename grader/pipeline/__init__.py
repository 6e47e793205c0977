"""What happens, in order: Submission → Run → Observation → CheckResult → Score → Report."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
