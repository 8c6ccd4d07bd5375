"""Version 1 of the perception service."""
