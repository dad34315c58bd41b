"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PolicyOption = Annotated[
    str, typer.Option("--policy", help="A preset (patient, clinician, research) or a policy file.")
]
BundleOption = Annotated[
    Path | None, typer.Option("--bundle", help="Another classifier bundle than the one shipped.")
]
