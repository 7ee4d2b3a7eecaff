"""What a page or a file needs to show Vega-Lite charts: no network, nothing but known scripts."""

import base64
import hashlib
import json
from functools import cache
from types import ModuleType
from typing import Any

from markupsafe import Markup

from tinyglot.errors import MissingExtraError

Spec = dict[str, Any]

DRAW = """
const charts = JSON.parse(document.getElementById("charts").textContent);
const options = {actions: false, ast: true, mode: "vega-lite", renderer: "svg"};
for (const [place, spec] of Object.entries(charts)) vegaEmbed("#" + place, spec, options);
"""
PNG_SCALE = 2


def require(module: str) -> ModuleType:
    """Import a package of the demo extra.

    Args:
        module: ``altair`` or ``vl_convert``.

    Returns:
        The module.

    Raises:
        MissingExtraError: If it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"Could not draw the charts: {module} is not installed.",
            got=str(error),
            expected="the packages of the demo extra",
            fix='pip install "tinyglot[demo]"',
        ) from error


def plain(chart: Any) -> Spec:  # noqa: ANN401  (altair is optional)
    """Turn a chart into a specification that holds its own data and no address.

    Args:
        chart: Of altair.

    Returns:
        JSON values.
    """
    spec: Spec = chart.configure_view(stroke=None).to_dict()
    del spec["$schema"]
    return spec


@cache
def library() -> str:
    """Give Vega, Vega-Lite and Vega-Embed as one script, from the package; nothing is fetched.

    Returns:
        JavaScript that cannot end the script element it stands in.

    Raises:
        MissingExtraError: If vl-convert is not installed.
    """
    bundle: str = require("vl_convert").javascript_bundle()
    return bundle.replace("</script", "<\\/script")


def policy(*scripts: str) -> str:
    """Allow exactly these scripts and inline styles; no network.

    Args:
        *scripts: As they stand in the page.

    Returns:
        The content of a Content-Security-Policy.
    """
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}"


def script_json(value: object) -> Markup:
    """Write JSON that cannot end the script element it stands in.

    Args:
        value: Anything that JSON can hold.

    Returns:
        Text for a template.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  (escaped above)


def draw_svg(spec: Spec) -> str:
    """Draw a chart as SVG, with the digest of what it shows in a comment at its end.

    Args:
        spec: As ``plain`` gives it.

    Returns:
        SVG that is the same for the same chart, fonts and version of vl-convert.

    Raises:
        MissingExtraError: If vl-convert is not installed.
    """
    svg: str = require("vl_convert").vegalite_to_svg(spec)
    return f"{svg.rstrip()}\n<!-- chart {spec_digest(spec)} -->\n"


def draw_png(spec: Spec) -> bytes:
    """Draw a chart as PNG, twice as large as on a page.

    Args:
        spec: As ``plain`` gives it.

    Returns:
        The file's bytes.

    Raises:
        MissingExtraError: If vl-convert is not installed.
    """
    drawn: bytes = require("vl_convert").vegalite_to_png(spec, scale=PNG_SCALE)
    return drawn


def spec_digest(spec: Spec) -> str:
    """Name what a chart shows.

    Args:
        spec: As ``plain`` gives it.

    Returns:
        16 hex digits, the same for the same data and marks, whatever draws them.
    """
    text = json.dumps(spec, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
