"""What the report of a run shows beyond its affinities."""

from perception.bank import Bank
from taxonomy.dataset import Dataset
from taxonomy.pipeline.results import Conclusions
from taxonomy.pipeline.run import RunOptions, RunResult
from taxonomy.pipeline.tiles import photo_tiles, spread_places, target_transfers, task_samples
from taxonomy.report import Findings, ReportPicture
from taxonomy.report.samples import prediction_picture, transfer_pictures
from taxonomy.training import first_views

_PHOTOS = 4


def gather_findings(
    dataset: Dataset, options: RunOptions, result: RunResult, found: Conclusions, bank: Bank
) -> Findings:
    """Everything of a run that the report tells of.

    Args:
        dataset: That it ran on.
        options: What was asked for.
        result: What was measured.
        found: What follows.
        bank: Of its networks.
    """
    return Findings(
        sanity=found.sanity,
        agreement=found.agreement,
        policies=found.policies,
        novel=found.novel,
        left_out=[(failure.stage, failure.name, failure.reason) for failure in result.failures],
        facts=_facts(dataset, options, result),
        pictures=_pictures(dataset, options, result, found, bank),
    )


def _facts(dataset: Dataset, options: RunOptions, result: RunResult) -> list[str]:
    preset = options.preset
    transfers = sum(len(entry.sources) for entry in result.losses)
    return [
        f"{len(dataset)} images of {len(dataset.buildings)} buildings, none of which is in two splits.",
        f"{len(result.networks)} task networks ({preset.architecture}), each trained on {result.train_images} images "
        f"for {preset.networks.epochs} epochs.",
        f"{transfers} transfers up to order {preset.max_order}, each a small readout trained on "
        f"{result.readout_images} images of buildings that no network saw, and measured on buildings that neither saw.",
    ]


def _pictures(
    dataset: Dataset, options: RunOptions, result: RunResult, found: Conclusions, bank: Bank
) -> list[ReportPicture]:
    tests = first_views(dataset, "test", options.preset.test_images)
    places = spread_places(dataset, tests, min(_PHOTOS, len(tests)))
    photos = photo_tiles(dataset, tests[places])
    pictures = []
    samples = task_samples(dataset, bank, tests, places)
    if samples:
        pictures.append(prediction_picture(photos, samples, result.tasks))
    rows = target_transfers(dataset, result, found.table, bank, tests, places[0])
    return pictures + (transfer_pictures(photos[0], rows, result.tasks) if rows else [])
