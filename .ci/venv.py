"""Make .venv with a working pip, also where the distribution splits ensurepip off (Debian without python3-venv).

Runs on any Python 3, so that an old one gets a message instead of a syntax error.
"""

import hashlib
import os
import subprocess
import sys
import urllib.request

PIP = (
    "https://files.pythonhosted.org/packages/07/25/ee8c38ae72d66b844ce8eb9711ba905dba21ca1a8a0c960057c41cd23337/pip-26.3-py3-none-any.whl",
    "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13",
)


def main(folder):
    """Create the environment in `folder`; exit with a message for people where that cannot be done."""
    if sys.version_info < (3, 11):
        met = sys.version.split()[0]
        sys.exit("jitnas_fn needs Python 3.11 or later; {} is {}. Name another: make PYTHON=...".format(sys.executable, met))
    python = os.path.join(folder, "bin", "python")
    try:
        import ensurepip  # noqa: F401

        subprocess.check_call([sys.executable, "-m", "venv", "--clear", folder])
    except ImportError:
        subprocess.check_call([sys.executable, "-m", "venv", "--clear", "--without-pip", folder])
        _install_pip(python, folder)


def _install_pip(python, folder):
    wheel = os.path.join(folder, PIP[0].rsplit("/", 1)[1])
    try:
        with urllib.request.urlopen(PIP[0], timeout=60) as answer:
            content = answer.read()
    except OSError as reason:
        sys.exit(
            "This Python has no ensurepip and pip cannot be fetched ({}). On Debian: apt-get install python3-venv".format(
                reason
            )
        )
    if hashlib.sha256(content).hexdigest() != PIP[1]:
        sys.exit("pip's wheel has not the pinned hash; on Debian: apt-get install python3-venv")
    with open(wheel, "wb") as file:
        file.write(content)
    subprocess.check_call([python, os.path.join(wheel, "pip"), "install", "--quiet", "--no-index", wheel])


if __name__ == "__main__":
    main(sys.argv[1])
