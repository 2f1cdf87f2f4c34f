"""How a script ends that has asked an endpoint: with its answers, and at once where there is nothing to wait for."""

import signal
import subprocess
import sys
import textwrap
import time

from jitnas_fn import Client
from tests.site.training.models import LONGER, small


def script(laptop, lines):
    begin = f"""
        from jitnas_fn import Client
        from jitnas_fn.backends.globus_compute import globus_compute
        from tests.site.training.models import BRIEF, LONGER, QUICK, small
        client = Client(executor=globus_compute({laptop.endpoint_id!r}))
    """
    text = textwrap.dedent(begin) + textwrap.dedent(lines)
    return subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_script_waits_for_what_it_has_asked_for(laptop):
    lines = """
        evaluation = client.submit(small, **BRIEF, seed=301)
        evaluation.add_done_callback(lambda done: print(done.result().verdict, flush=True))
    """
    with script(laptop, lines) as process:
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "trained\n"), err
    assert err == "waiting for 1 evaluations that are not done; ctrl-C cancels them\n"


def test_a_script_whose_answers_are_there_ends_at_once(laptop):
    with script(laptop, "print(client.evaluate(small, **QUICK, seed=302).verdict, flush=True)") as process:
        assert process.stdout.readline() == "trained\n"
        began = time.monotonic()
        assert process.wait(30) == 0
    assert time.monotonic() - began < 5


def test_ctrl_c_cancels_at_the_site_and_ends_soon(laptop):
    with script(laptop, "print(client.submit(small, **LONGER, seed=303).key, flush=True)") as process:
        key = process.stdout.readline().strip()
        laptop.trains(key, 90, epoch=3)
        process.send_signal(signal.SIGINT)
        process.wait(40)
    laptop.cluster.wait_until(lambda: not laptop.pids("jitnas_fn.worker.child"), 30)
    assert laptop.client().lookup(small, **LONGER, seed=303) is None


def test_a_script_that_is_interrupted_does_not_wait_for_an_endpoint_that_is_away(laptop):
    laptop.agent.stop()
    lines = """
        client.submit(small, **LONGER, seed=304)
        print("asked", flush=True)
    """
    try:
        with script(laptop, lines) as process:
            assert process.stdout.readline() == "asked\n"
            time.sleep(5)
            process.send_signal(signal.SIGINT)
            began = time.monotonic()
            process.wait(60)
        assert time.monotonic() - began < 40
    finally:
        laptop.agent.up()


def test_a_session_that_is_left_loses_nothing(laptop):
    lines = """
        import sys
        sys.ps1 = ">>> "  # as at a prompt: nobody waits there
        print(*[one.key for one in client.map([small], **BRIEF, seeds=range(310, 318))], flush=True)
        import time
        time.sleep(4)
    """
    with script(laptop, lines) as process:
        keys = process.stdout.readline().split()
        _, err = process.communicate(timeout=60)
    assert err == ""
    evaluations = Client(executor=laptop.executor()).attach()
    assert sorted(one.key for one in evaluations) == sorted(keys)
    assert {one.result(240).verdict for one in evaluations} == {"trained"}
    assert len(laptop.store) == len(keys)
