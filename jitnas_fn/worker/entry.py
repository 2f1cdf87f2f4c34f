"""The one function on the wire."""


def run_task(text: str) -> str:
    """Answer one message: JSON text in, JSON text out. Never raises; every failure is an error in the reply.

    A site receives this function as plain source, so it may use nothing but what it imports itself.

    Parameters
    ----------
    text
        An envelope: hello, ping, lookup, since, status, cancel or train.

    Returns
    -------
    str
        The reply, an envelope with the same verb.
    """
    try:
        from jitnas_fn.worker.answers import answer

        return answer(text)
    except BaseException as error:  # noqa: BLE001  whatever is wrong here, the sender must hear of it
        import json

        message = f"jitnas_fn does not work in this worker's environment: {type(error).__name__}: {error}"
        failure = {"type": "SiteUnavailable", "message": message, "retryable": True}
        return json.dumps({"protocol": 1, "verb": "ping", "error": failure})
