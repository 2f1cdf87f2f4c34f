"""Takes a cluster down when whoever brought it up is gone, even by SIGKILL: `python -m tests.site.guard FOLDER PID`."""

import os
import sys
import time
from pathlib import Path

from tests.site.processes import take_down


def main(folder, parent):
    while os.getppid() == parent:  # an orphan gets another parent
        time.sleep(0.5)
    take_down(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
