"""A cluster, from any laptop: a batch of networks, evaluated through a Globus Compute endpoint.

Its id is taken from the command line, or from JITNAS_ENDPOINT. Where no endpoint can be used, this says what is missing.
"""

import os
import subprocess
import sys
from concurrent.futures import wait

from torch import nn

from jitnas_fn import Client, JitnasError
from jitnas_fn.backends.globus_compute import globus_compute

NO_ENDPOINT = """\
no endpoint is named. Whoever runs one on a cluster sees its id with `jitnas site status`; then
    JITNAS_ENDPOINT=ID python examples/04_on_an_endpoint.py
evaluates a batch there. Five commands set one up, on a cluster or on this machine: endpoint_config/README.md"""


def network(width: int) -> nn.Module:
    layers = [nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))


endpoint = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("JITNAS_ENDPOINT")
if not endpoint:
    print(NO_ENDPOINT)
    sys.exit()
try:
    executor = globus_compute(endpoint)
except JitnasError as reason:  # no UUID, or the SDK is not installed
    print(f"endpoint {endpoint} cannot be used from here: {reason}")
    sys.exit()
if subprocess.run([sys.executable, "-m", "jitnas_fn", "site", "login"], check=False).returncode:  # asks in a terminal
    print("nobody is logged in to Globus: run `jitnas site login` once, in a terminal")
    sys.exit()

client = Client(executor=executor)  # what follows is the same with any executor
evaluations = client.map([network(width) for width in (8, 16, 32)], dataset="digits", recipe="quick", seeds=range(2))
print(f"{len(evaluations)} asked for; {sum(one.done() for one in evaluations)} of them known here; ctrl-C cancels the others")
while left := wait(evaluations, timeout=5).not_done:
    first = next(one for one in evaluations if one in left)
    print(f"{len(left)} to come; the first: {first.status()}; eta: {first.eta or 'not known yet'}")
for evaluation in evaluations:
    if error := evaluation.exception():
        print(f"{evaluation.key[:12]}…  {error!r}")
    else:
        record = evaluation.result()
        accuracy = record.metrics["validation"]["accuracy"]
        print(f"{record.key[:12]}…  {evaluation.source:<8}{record.provenance['site']}: validation accuracy {accuracy:.3f}")
