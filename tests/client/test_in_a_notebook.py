"""How evaluations look in a notebook: static, and safe whatever a site says."""

from jitnas_fn import Client
from jitnas_fn.client.status import Status
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Inline
from tests.client.models import small


def test_a_status_has_a_bar_for_its_epochs():
    status = Status(state="training", epoch=3, epochs=9, metrics={"validation": {"accuracy": 0.5}}, seconds_left=12.0)
    shown = status._repr_html_()
    assert '<progress value="3" max="9"></progress>' in shown
    assert "training  epoch 3/9  validation accuracy 0.5000  12 s left" in shown


def test_what_a_site_says_is_text():
    shown = Status.from_answer({"state": "<script>", "reason": "<b>", "epoch": 1, "epochs": 2, "job": "<i>"})._repr_html_()
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "&lt;script&gt; (&lt;b&gt;)" in shown


def test_an_evaluation_shows_its_key_and_where_it_stands():
    evaluation = Client(store=MemoryStore(), executor=Inline()).submit(small, dataset="digits", recipe="instant")
    shown = evaluation._repr_html_()
    assert shown.startswith(f"<code>{evaluation.key[:12]}…</code>")
    assert "done (trained)" in shown
