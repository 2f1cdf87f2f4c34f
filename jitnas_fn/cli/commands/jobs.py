"""`jitnas jobs`."""

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.site_runs import SiteFile, site_named, table, under_way


def jobs(*, site: SiteFile = None, as_json: options.AsJson = False) -> None:
    """What is being trained at a site, or on this machine: each run with its epoch, accuracy and time left, and the jobs."""
    with answering(as_json=as_json) as answer:
        found = under_way(site_named(site))
        answer.give(found, text=table(found))


COMMAND = jobs
