"""Pictures of what solutions are worth as the budget grows."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perception.drawing import new_figure
from taxonomy.coverage import Coverage
from taxonomy.evaluation import WinRates, as_percent, gain, percentile, quality, source_frequency
from taxonomy.report.matrices import draw_presence
from taxonomy.report.study import Study
from taxonomy.report.style import ACCENT, MUTED, colour_labels
from taxonomy.solver import Taxonomy

_RATES: tuple[tuple[str, str, Callable[[Taxonomy], WinRates]], ...] = (
    ("gain", "Gain: win rate against training from scratch", gain),
    ("quality", "Quality: win rate against full supervision", quality),
)


def draw_win_rates_by_target(study: Study) -> Figure:
    """Gain and quality of each target as the budget grows, at the largest order."""
    sweep = study.sweeps[study.largest_order]
    targets = [transfer.target for transfer in sweep[0].transfers]
    figure = new_figure(15, 0.27 * len(targets) + 1.8)
    for axes, (name, title, measure) in zip(figure.subplots(1, 2, sharey=True), _RATES, strict=True):
        values = np.array(
            [[measure(taxonomy).of_target.get(target, np.nan) for taxonomy in sweep] for target in targets]
        )
        middle = 0.5
        image = axes.imshow(values, cmap="RdYlBu", vmin=0, vmax=2 * middle, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            if not np.isnan(value):
                dark = abs(value - middle) > 0.33
                axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=6.5,
                          color="white" if dark else ACCENT)  # fmt: skip
        axes.set_xticks(range(len(sweep)), [f"{taxonomy.budget:g}" for taxonomy in sweep])
        axes.set_yticks(range(len(targets)), targets)
        axes.tick_params(length=0, labelsize=8)
        axes.spines[:].set_visible(False)
        colour_labels(axes.get_yticklabels(), study.table.tasks)
        axes.set_title(f"{title}, order ≤ {study.largest_order}")
        axes.set_xlabel("supervision budget")
        bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.01, format=lambda value, _: f"{100 * value:.0f} %")
        bar.outline.set_visible(False)
        bar.set_label(name)
    return figure


def draw_win_rates_by_order(study: Study) -> Figure:
    """Objective, mean gain and mean quality over targets as the budget grows, for each maximum order."""
    shown = [rate for rate in _RATES if study.has_win_rates(rate[0])]
    figure = new_figure(4.6 * (1 + len(shown)) + 0.4, 3.8)
    panels = figure.subplots(1, 1 + len(shown), squeeze=False)[0]
    _order_lines(panels[0], study, lambda taxonomy: taxonomy.objective)
    panels[0].set_title("Objective: importance x affinity")
    for axes, (_, title, measure) in zip(panels[1:], shown, strict=True):
        _order_lines(axes, study, lambda taxonomy, measure=measure: measure(taxonomy).mean)  # type: ignore[misc]
        axes.set_title(title, fontsize=9)
        axes.set_ylabel("mean over targets")
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    panels[0].legend(title="maximum order", loc="lower right")
    return figure


def draw_source_frequency(study: Study) -> Figure:
    """Which sources are trained as the budget grows, at the largest order; those picked first on top."""
    sweep = study.sweeps[study.largest_order]
    names = [name for name in study.table.tasks if any(name in t.sources for s in study.sweeps.values() for t in s)]
    present = source_frequency(sweep, names)
    everywhere = source_frequency([taxonomy for one in study.sweeps.values() for taxonomy in one], names).mean(axis=1)
    ranks = sorted(range(len(names)), key=lambda row: (-present[row].sum(), -everywhere[row], row))
    figure = new_figure(10.5, 0.24 * len(names) + 1.4)
    dots, bars = figure.subplots(1, 2, width_ratios=[3, 1], sharey=True)
    rows = [names[row] for row in ranks]
    draw_presence(dots, present[ranks], rows, [taxonomy.budget for taxonomy in sweep], study)
    dots.set_xlabel("supervision budget")
    dots.set_title(f"Trained at each budget, order ≤ {study.largest_order}")
    bars.barh(range(len(rows)), 100 * everywhere[ranks], color="#C9D6E2", height=0.62)
    for place, share in enumerate(100 * everywhere[ranks]):
        bars.text(share + 1.5, place, f"{share:.0f}", va="center", fontsize=7, color="#555555")
    bars.set_xlim(0, 112)
    bars.set_title("Share of all solutions, %")
    bars.tick_params(axis="y", length=0)
    bars.spines[:].set_visible(False)
    bars.set_xticks([])
    return figure


def draw_random_comparison(study: Study, budgets: Sequence[float]) -> Figure:
    """The computed taxonomies among random feasible ones: distributions at some budgets, and bands over all."""
    sweep = study.sweeps[study.largest_order]
    by_budget = {taxonomy.budget: taxonomy for taxonomy in sweep}
    figure = new_figure(14, 6.8)
    top, bottom = figure.subfigures(2, 1, squeeze=False)[:, 0]
    for axes, budget in zip(top.subplots(1, len(budgets), squeeze=False)[0], budgets, strict=True):
        _distribution(axes, study, by_budget[budget])
    shown = [rate for rate in _RATES if study.has_win_rates(rate[0])]
    panels = bottom.subplots(1, 1 + len(shown), squeeze=False)[0]
    x = [taxonomy.budget for taxonomy in sweep]
    _band(panels[0], x, [study.random[b].objective for b in x], "random transfers", MUTED)
    _band(panels[0], x, [study.random[b].objective_of_sources for b in x], "random sources, best transfers", "#D9A441")
    _computed(panels[0], x, [taxonomy.objective for taxonomy in sweep])
    panels[0].set_title("Objective")
    bottom.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    for axes, (name, title, measure) in zip(panels[1:], shown, strict=True):
        _band(axes, x, [getattr(study.random[b], name) for b in x], "random transfers", MUTED)
        _computed(axes, x, [measure(taxonomy).mean for taxonomy in sweep])
        axes.set_title(title, fontsize=9)
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    for axes in panels:
        axes.set_xlabel("supervision budget (bands: 5-95 % and 25-75 % of random taxonomies)", fontsize=8)
    return figure


def draw_coverage(study: Study) -> Figure:
    """The max-coverage sets of growing size, and how near they bring the tasks."""
    sizes, sets = list(study.coverage), list(study.coverage.values())
    figure = new_figure(12, 5.6)
    worst, total, grid = figure.subplots(1, 3, width_ratios=[1, 1, 1.7])
    measures: tuple[tuple[Axes, str, Callable[[Coverage], float]], ...] = (
        (worst, "Distance of the worst-covered task", lambda coverage: coverage.worst_distance),
        (total, "Total distance", lambda coverage: coverage.total_distance),
    )
    for axes, label, value in measures:
        axes.plot(sizes, [value(coverage) for coverage in sets], "o-", color="#08519C", markersize=4,
                  label="max-coverage (computed)")  # fmt: skip
        if study.published_coverage:
            axes.plot(
                list(study.published_coverage), [value(c) for c in study.published_coverage.values()],
                "D", color="#D9A441", markersize=6, label="published set",
            )  # fmt: skip
        axes.set_title(label)
        axes.set_xlabel("features, at most")
    worst.set_ylabel("-log affinity")
    worst.legend(fontsize=8)
    names = [name for name in study.table.tasks if any(name in coverage.features for coverage in sets)]
    present = np.array([[name in coverage.features for coverage in sets] for name in names])
    rows = sorted(range(len(names)), key=lambda row: (-present[row].sum(), row))
    draw_presence(grid, present[rows], [names[row] for row in rows], sizes, study)
    grid.set_title("The sets")
    grid.set_xlabel("features, at most")
    return figure


def _order_lines(axes: Axes, study: Study, value: Callable[[Taxonomy], float]) -> None:
    colours = colormaps["Blues"](np.linspace(0.4, 1.0, len(study.sweeps)))
    for (order, sweep), colour in zip(sorted(study.sweeps.items()), colours, strict=True):
        axes.plot([t.budget for t in sweep], [value(t) for t in sweep], "o-", markersize=3, color=colour, label=order)
    axes.set_xlabel("supervision budget")
    axes.grid(axis="y", color="#EEEEEE")


def _distribution(axes: Axes, study: Study, taxonomy: Taxonomy) -> None:
    random = study.random[float(taxonomy.budget)]
    both = np.concatenate([random.objective, random.objective_of_sources, [taxonomy.objective]])
    low, high = float(both.min()), float(both.max())
    bins = np.linspace(low, max(high, low + 0.01 * abs(low) + 1e-6), 40).tolist()
    axes.hist(random.objective, bins, color=MUTED, alpha=0.8)
    axes.hist(random.objective_of_sources, bins, color="#D9A441", alpha=0.7)
    axes.axvline(taxonomy.objective, color="#08519C", linewidth=2)
    beaten = as_percent(percentile(taxonomy.objective, random.objective_of_sources) / 100)
    axes.set_title(f"budget {taxonomy.budget:g}: above {beaten} % of random sources", fontsize=9)
    axes.set_xlabel("objective")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _band(axes: Axes, x: Sequence[float], samples: Sequence[np.ndarray], label: str, colour: str) -> None:
    known = [sample[~np.isnan(sample)] for sample in samples]
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    quantiles = np.array([np.quantile(sample, levels) if len(sample) else [np.nan] * 5 for sample in known]).T
    axes.fill_between(x, quantiles[0], quantiles[4], color=colour, alpha=0.18, linewidth=0)
    axes.fill_between(x, quantiles[1], quantiles[3], color=colour, alpha=0.3, linewidth=0)
    axes.plot(x, quantiles[2], color=colour, linewidth=1.2, label=label)


def _computed(axes: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    axes.plot(x, y, "o-", color="#08519C", markersize=3.5, label="computed")
