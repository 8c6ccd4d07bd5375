"""The perception service."""
