"""The Open Inference Protocol (KServe v2), as tritonclient and its like speak it."""
