"""Adding a class of cells touches the taxonomy, a migration, and nothing else."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_one_more_row_is_all_that_a_class_needs():
    # In a process of its own: every list is derived from the taxonomy when it is imported.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "tests.core.made_up_class", str(HERE / "made_up_class_checks.py")]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
