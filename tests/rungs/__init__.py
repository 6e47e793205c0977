"""What every rung of confinement must do, as one suite: ``running``, ``keeping``, and each rung's known ``gaps``."""
