"""`jitnas jobs`."""

from typing import Annotated

import typer

from jitnas_fn.cli import asked_elsewhere, options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.site_runs import SiteFile, site_named, table, under_way
from jitnas_fn.settings import home


def jobs(
    *,
    site: SiteFile = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask the endpoints how what was asked of them stands.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """What is being trained at a site, or on this machine, and what was asked of endpoints far away and has not ended.

    Of a site: each run with its epoch, accuracy and time left, and the jobs. Of endpoints: what this user's processes have
    asked for; what was left by one that is gone, client.attach() takes up.
    """
    with answering(as_json=as_json) as answer:
        found = under_way(site_named(site))
        asked = asked_elsewhere.asked_elsewhere(home())
        asked = asked_elsewhere.with_states(asked) if ask else asked
        told = [table(found), asked_elsewhere.table(asked)]
        answer.give({**found, "asked": asked_elsewhere.without_tokens(asked)}, text="\n".join(text for text in told if text))


COMMAND = jobs
