"""Rows of a study of structured pruning, by hand."""

from tests.studies.rows_by_hand import record as one_record
from tinyglot.studies.rows import scored_form, to_rows


def record(algorithm, mask, ratio, language, value, seed=0, **columns):
    further = {"algorithm": algorithm, "mask": mask, "pruning_ratio": ratio}
    found = one_record(language, value, seed=seed, method="head_pruning", **columns) | further
    return found | {"key": f"{algorithm}-{mask}-{ratio}-{seed}"}


SCORES = {"taylor": 0.7, "magnitude": 0.6, "random": 0.4, "l0": 0.65}
OFFSETS = {0: -0.01, 1: 0.0, 2: 0.01}
LANGUAGES = {"swh-Latn": 0.0, "hin-Deva": 0.1}


def records(alone=-0.02):
    """Three seeds; masks of single languages are worse, or better, by ``alone``."""
    for seed, offset in OFFSETS.items():
        for language, more in LANGUAGES.items():
            base = offset + more
            yield record("taylor", "shared", 0.0, language, 0.8 + base, seed)
            for name, value in SCORES.items():
                yield record(name, "shared", 0.5, language, value + base, seed)
            own = SCORES["taylor"] + base + alone + 0.1 * offset
            yield record("taylor", language, 0.5, language, own, seed)


def structured_rows(alone=-0.02):
    listed = list(records(alone))
    return to_rows(listed, scored_form(listed[0]))
