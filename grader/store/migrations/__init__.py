"""How a gradebook of an older layout becomes one of the newest."""
