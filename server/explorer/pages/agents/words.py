"""Numbers and names as people read them."""

from collections.abc import Sequence

from server.explorer.pages.agents.reading import Interval

NONE = "\N{EN DASH}"
_NAMES = {"is_success": "success", "spl": "SPL", "soft_spl": "soft SPL", "success_clustered": "success, by building"}
_UNITS = {"_m": ", m", "_m2": ", m²"}


def measure_words(name: str) -> str:
    """A measure's name: "covered_m2" is "covered, m²"."""
    if name in _NAMES:
        return _NAMES[name]
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            return name.removesuffix(ending).replace("_", " ") + unit
    return name.replace("_", " ")


def number_text(value: float | None) -> str:
    """Three digits, as many as count."""
    if value is None:
        return NONE
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def interval_text(interval: Interval | None) -> str:
    """A mean with its interval: "0.81 [0.74, 0.88]"; the mean alone where there is none."""
    if interval is None:
        return NONE
    if interval.low is None:
        return number_text(interval.mean)
    return f"{number_text(interval.mean)} [{number_text(interval.low)}, {number_text(interval.high)}]"


def q_text(value: float | None) -> str:
    """A p or q value: "0.03", "<0.001"."""
    if value is None:
        return NONE
    return "<0.001" if value < 0.001 else f"{value:.2g}"


def reach_text(steps: Sequence[float | None], threshold: float | None) -> str:
    """The mean of the steps of the seeds that got to the threshold, and how many of them did."""
    if threshold is None or not steps:
        return NONE
    reached = [value for value in steps if value is not None]
    if not reached:
        return f"never (0 of {len(steps)})"
    share = "" if len(reached) == len(steps) else f" ({len(reached)} of {len(steps)})"
    return f"{sum(reached) / len(reached):,.0f}{share}"
