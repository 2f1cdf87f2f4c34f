"""Takes the hosted part of a site down when whoever brought it up is gone: `python -m tests.site.hosted.guard FOLDER PID`."""

import os
import shutil
import sys
import time
from pathlib import Path

from tests.site.hosted import marks
from tests.site.hosted.agent import end


def take_down(folder):
    """Leave nothing of it: no broker, no service, no agent, nothing that an agent has begun, no file."""
    end(lambda: marks.marked(marks.HOSTED, str(folder)))
    shutil.rmtree(folder, ignore_errors=True)


def main(folder, parent):
    while os.getppid() == parent:  # an orphan gets another parent
        time.sleep(0.5)
    take_down(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
