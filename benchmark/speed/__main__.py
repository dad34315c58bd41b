"""Measure everything and print one table; exit code 1 when a bound is not kept.

python -m benchmark.speed            all
python -m benchmark.speed --quick    1,000 lines, without building the wheel and an environment
python -m benchmark.speed --write    also into README.md
"""

from __future__ import annotations

import argparse
import sys

from benchmark.documents import ROOT, with_block
from benchmark.speed import checks, client, imports, sizes
from benchmark.speed.figure import Figure, table


def main() -> int:
    """Run and print; 0 when every bound is kept."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.speed", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer lines; no wheel, no environment")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    lines = checks.PART if options.quick else checks.LINES
    found: list[Figure] = [*imports.figures(), *checks.figures(lines), *client.figures(), sizes.memory()]
    if not options.quick:
        found += sizes.wheel_and_environment()
    print(table(found))
    if options.write:
        readme = ROOT / "README.md"
        readme.write_text(with_block(readme.read_text("utf-8"), "speed", table(found)), "utf-8")
    return 0 if all(figure.good for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
