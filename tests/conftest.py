"""What every test module may use."""

pytest_plugins = ["pytester"]
