import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import polars as pl
import pytest

from tests.reports.samples import LANGUAGES, META, STAGES, XSS, rows
from tinyglot.errors import MissingExtraError
from tinyglot.reports import render_report
from tinyglot.reports.gaps import unmeasured
from tinyglot.reports.stages import collect_series

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Elements, text and scripts of a page; fails on elements that are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        if self.open[-1:] == ["script"]:
            self.scripts.append(data)
        elif self.open[-1:] != ["style"]:
            self.text += data


@pytest.fixture(scope="module")
def html() -> str:
    return render_report(rows(), STAGES, META)


def charts(html: str) -> dict:
    block = re.search(r'<script type="application/json" id="charts">(.*?)</script>', html, re.S)
    return json.loads(block.group(1))


def test_page_is_well_formed_and_nothing_stays_open(html):
    assert Page(html).open == []


def test_page_loads_nothing(html):
    page = Page(html)
    assert page.elements[0][0] == "html"
    assert [tag for tag, _ in page.elements if tag in {"link", "img", "iframe", "object"}] == []
    assert [attrs for _, attrs in page.elements if {"src", "href"} & set(attrs)] == []
    assert "url(" not in html.split("</style>")[0]
    assert "@import" not in html.split("</style>")[0]


def test_policy_allows_only_the_two_scripts_and_no_network(html):
    page = Page(html)
    (policy,) = [a["content"] for t, a in page.elements if t == "meta" and "http-equiv" in a]
    digests = [hashlib.sha256(script.encode()).digest() for script in page.scripts[1:]]
    allowed = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        f"script-src {' '.join(allowed)}",
    ]


def test_same_input_gives_the_same_bytes(html):
    assert render_report(rows(), STAGES, META) == html


def test_another_process_gives_the_same_bytes(html):
    program = (
        "import hashlib; from tests.reports.samples import *; "
        "from tinyglot.reports import render_report; "
        "print(hashlib.sha256(render_report(rows(), STAGES, META).encode()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == hashlib.sha256(html.encode()).hexdigest()


@pytest.mark.parametrize(
    "text",
    [
        "23.6×",
        "471.0 MiB → 20.0 MiB",
        "5.0×",
        "117.7 M",
        "Amharic",
        "−10.0",
        "+2.0",
        "58.0–62.0",
        "device cpu, threads 1, batch 1, length 32, n 20",
        "Synthetic data.",
        "layer_dropping",
        "No F1: source.",
    ],
)
def test_page_says(html, text):
    assert text in Page(html).text


def test_languages_are_sorted_by_damage(html):
    text = Page(html).text
    table = text[text.index("most damaged language first.\n") :]
    places = [table.index(tag) for tag in ("amh-Ethi", "swh-Latn", "yor-Latn")]
    assert places == sorted(places)


def test_damage_chart_holds_every_language_with_its_change(html):
    datasets = charts(html)["damage-0"]["layer"][0]["data"]["values"]
    found = {record["language"]: round(record["delta"], 6) for record in datasets}
    assert found == {"amh-Ethi": -10.0, "swh-Latn": -3.0, "yor-Latn": 2.0}


def test_size_chart_holds_macro_and_worst_of_each_scored_stage(html):
    values = charts(html)["size-0"]["data"]["values"]
    export = {row["what"]: row["points"] for row in values if row["stage"] == "export"}
    assert len(values) == 6
    assert export["macro-average"] == pytest.approx(100 * (0.87 + 0.82 + 0.60) / 3)
    assert export["worst language"] == pytest.approx(60.0)


def test_no_path_of_a_machine_is_published(html):
    assert "private" not in html.split("<script", 1)[0]


@pytest.mark.parametrize(
    "payload", [XSS, '"><img src=x onerror=alert(1)>', "</script><b>", "{{ 1 }}"]
)
def test_strings_of_the_data_are_escaped(payload):
    scores = {payload: {payload: 0.9, "swh-Latn": 0.5}, "export": {payload: 0.8, "swh-Latn": 0.5}}
    meta = {**META, "title": payload, "provenance": {payload: payload}, "not_measured": [payload]}
    meta["records"] = [{"method": payload, "version": 1, "config": {payload: payload}}]
    stages = [{"name": payload, "size_bytes": 2, "device": payload, "latency_ms_p50": 1.0}]
    page = Page(render_report(rows(scores), [*stages, STAGES[-1]], meta))
    tags = {tag for tag, _ in page.elements}
    assert page.open == []
    assert len(page.scripts) == 3
    assert not tags & {"img", "b0"}
    assert payload in page.text
    assert json.loads(page.scripts[0])["damage-0"]


def test_without_scores_there_is_no_script_and_the_gap_is_said():
    page = Page(render_report(pl.DataFrame(), STAGES, {}))
    assert page.scripts == []
    assert "No score: source, 01-fine_tuning, 02-layer_dropping, export." in page.text


def test_a_language_missing_at_one_stage_is_said():
    scores = {"01-fine_tuning": {"swh-Latn": 0.9, "yor-Latn": 0.1}, "export": {"swh-Latn": 0.8}}
    gaps = unmeasured(collect_series(rows(scores), STAGES), {})
    assert "No F1 of export in yor-Latn." in gaps


def test_latency_without_its_protocol_is_said():
    gaps = unmeasured(collect_series(rows(), [{"name": "export", "latency_ms_p50": 1.0}]), {})
    assert "Of the latency it is not recorded: device, threads, batch, length, n." in gaps


def test_one_seed_is_said_and_two_are_not():
    two = pl.concat([rows(seed=0), rows(seed=1)])
    said = [
        any(line.startswith("One training seed") for line in unmeasured(series, {}))
        for series in (collect_series(rows(), STAGES), collect_series(two, STAGES))
    ]
    assert said == [True, False]


def test_every_split_has_its_section():
    both = pl.concat([rows(split="dev"), rows(split="test")])
    html = render_report(both, STAGES, META)
    assert set(charts(html)) == {"size-0", "damage-0", "size-1", "damage-1"}
    assert "F1, ner, demo, dev" in Page(html).text


def test_missing_chart_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(MissingExtraError, match=r"altair is not installed[\s\S]*tinyglot\[demo\]"):
        render_report(rows(), STAGES, META)


@pytest.mark.slow
def test_a_browser_draws_both_charts_without_a_network(html, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium on this machine")
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]
    command = [browser, *options, "--virtual-time-budget=5000", "--dump-dom", path.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout
    assert len(re.findall(r"<svg[^>]* class=.marks", dom)) == 2
    assert all(f">{tag}</text>" in dom for tag in LANGUAGES)
