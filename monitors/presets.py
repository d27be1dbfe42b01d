"""Mappings of known platforms, laid under what `sources.toml` says. Data only.

Each preset is written like a `[[source]]` table: defaults of the source (`item_kind`), and its `mapping`.
"""

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, Any]] = {}
"""By name, as `preset = "…"` gives it."""
