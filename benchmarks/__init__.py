"""One runnable file per claim; each prints ratios against a named peer measured in the same run."""
