"""CleanVision on a folder, by its documentation. Runs in CleanVision's own environment.

    python cleanvision_check.py FOLDER

``Imagelab(data_path=...)`` and ``find_issues()`` with nothing else said, as in its quick start
(https://cleanvision.readthedocs.io). It knows no labels and no splits. Prints one JSON object: the
seconds, the paths of each issue, and the sets of near duplicates.
"""

import contextlib
import json
import sys
import time
from pathlib import Path

BEGAN = time.perf_counter()

from cleanvision import Imagelab  # noqa: E402


def main() -> None:
    with contextlib.redirect_stdout(sys.stderr):
        lab = Imagelab(data_path=sys.argv[1])
        lab.find_issues(n_jobs=2)
    issues = {
        name.removeprefix("is_").removesuffix("_issue"): lab.issues.index[lab.issues[name]].tolist()
        for name in lab.issues.columns
        if name.startswith("is_")
    }
    sets = lab.info["near_duplicates"]["sets"]
    seen = len(lab.issues)
    files = sum(path.is_file() for path in Path(sys.argv[1]).rglob("*"))
    seconds = time.perf_counter() - BEGAN
    facts = {"seconds": seconds, "seen": seen, "files": files, "issues": issues, "near": sets}
    json.dump(facts, sys.stdout)


main()
