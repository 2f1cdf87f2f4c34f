"""`jitnas cache info`."""

from jitnas_fn import settings
from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.client.cache import published, users_cache, users_store


def info(*, as_json: options.AsJson = False) -> None:
    """Where records are kept, and how many there are."""
    with answering(as_json=as_json) as answer:
        fields = {
            "home": str(settings.home()),
            "records": len(users_store()),
            "own_records": len(users_cache()),
            "published_records": len(published()),
        }
        text = (
            f"records that can be looked up: {fields['records']}; {fields['own_records']} in {fields['home']}, "
            f"{fields['published_records']} in the published snapshot"
        )
        answer.give(fields, text=text)


COMMAND = info
