"""Fuzzers of what strangers send, to be run for minutes: `python -m tests.server.fuzzing images --minutes 5`.

What they find becomes a test; see `tests.server.fuzzing.watching` for what is right.
"""
