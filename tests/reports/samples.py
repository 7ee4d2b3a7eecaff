"""One small job with four stages and three languages, as a run directory would describe it."""

import polars as pl

XSS = "<script>alert(1)</script>"
LANGUAGES = ("swh-Latn", "yor-Latn", "amh-Ethi")


def rows(
    scores: dict[str, dict[str, float]] | None = None, seed: int = 0, **columns
) -> pl.DataFrame:
    """Long-form rows from ``{model: {language: value}}``."""
    chosen = SCORES if scores is None else scores
    return pl.DataFrame(
        [
            {
                "model": model,
                "task": "ner",
                "dataset": "demo",
                "language": language,
                "split": "test",
                "perturbation": "none",
                "seed": seed,
                "metric": "f1",
                "value": value,
                "n": 200,
                "low": value - 0.02,
                "high": value + 0.02,
                **columns,
            }
            for model, by_language in chosen.items()
            for language, value in by_language.items()
        ]
    )


SCORES = {
    "01-fine_tuning": {"swh-Latn": 0.90, "yor-Latn": 0.80, "amh-Ethi": 0.70},
    "02-layer_dropping": {"swh-Latn": 0.88, "yor-Latn": 0.81, "amh-Ethi": 0.63},
    "export": {"swh-Latn": 0.87, "yor-Latn": 0.82, "amh-Ethi": 0.60},
}
PROTOCOL = {"device": "cpu", "threads": 1, "batch": 1, "length": 32, "n": 20}
STAGES = [
    {
        "name": "source",
        "num_parameters": 117_653_760,
        "num_embedding_parameters": 96_014_208,
        "size_bytes": 471 * 2**20,
    },
    {
        "name": "01-fine_tuning",
        "num_parameters": 30_000_000,
        "num_embedding_parameters": 8_000_000,
        "size_bytes": 120 * 2**20,
        "latency_ms_p50": 20.0,
        **PROTOCOL,
    },
    {
        "name": "02-layer_dropping",
        "num_parameters": 20_000_000,
        "num_embedding_parameters": 8_000_000,
        "size_bytes": 80 * 2**20,
        "latency_ms_p50": 10.0,
        **PROTOCOL,
    },
    {"name": "export", "size_bytes": 20 * 2**20, "latency_ms_p50": 4.0, **PROTOCOL},
]
META = {
    "recipe": {
        "model": "bundled:multilingual-e5-small",
        "languages": list(LANGUAGES),
        "task": "ner",
        "data": "/somewhere/private/demo-data",
        "seed": 0,
    },
    "records": [
        {
            "method": "fine_tuning",
            "version": 1,
            "config": {"method": "fine_tuning", "max_steps": 300, "task": None},
            "facts": {"num_steps": 300},
        },
        {
            "method": "layer_dropping",
            "version": 2,
            "config": {"method": "layer_dropping", "num_layers": 6},
            "facts": {},
            "weights_sha256": "ab" * 32,
            "tinyglot": "0.1.0",
        },
    ],
    "base_model": "intfloat/multilingual-e5-small",
    "license": "mit",
    "synthetic": True,
}
