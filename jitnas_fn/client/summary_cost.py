"""What records cost, summed up: hours by device, and energy with how much of it was measured."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jitnas_fn.core.bounds import finite
from jitnas_fn.core.codec import Json
from jitnas_fn.core.record import Record

GPU, CPU, UNKNOWN = "gpu", "cpu", "unknown"
MEASURED, ESTIMATED = "measured", "estimated"
TRAINED, IMPORTED = "trained", "imported"
DEVICES, METHODS, ORIGINS = (GPU, CPU, UNKNOWN), (MEASURED, ESTIMATED, UNKNOWN), (TRAINED, IMPORTED)
UNITS = ((3.6e6, "kWh"), (1e3, "kJ"), (1.0, "J"))
LARGEST = 1e15  # thirty million years, or joules: nothing larger is believed


class Cost(NamedTuple):
    """What one record says that it cost.

    Attributes
    ----------
    seconds
        Training and evaluation together, of the clock on the wall; 0 if it does not say. [seconds]
    joules
        Energy; None if it does not say. [joules]
    device
        "gpu", "cpu" or "unknown".
    method
        How the energy was found: "measured" or "estimated"; "unknown" if there is none.
    origin
        "trained", or "imported" from somebody's table.
    """

    seconds: float
    joules: float | None
    device: str
    method: str
    origin: str


def cost_of(record: Record) -> Cost:
    """What a record cost."""
    return stated(record.cost, device=record.environment.get("device"), origin=record.provenance.get("origin"))


def stated(cost: Json, *, device: object, origin: object) -> Cost:
    """What a record cost, from what its fields state, whatever that is.

    Parameters
    ----------
    cost
        Its cost.
    device
        Of its environment.
    origin
        Of its provenance; what is not "trained" counts as imported.
    """
    seconds = amount(cost.get("wall_seconds"))
    if seconds is None:
        seconds = (amount(cost.get("train_seconds")) or 0.0) + (amount(cost.get("evaluation_seconds")) or 0.0)
    joules, method = amount(cost.get("joules")), cost.get("joules_method")
    known = isinstance(device, str) and device != ""
    return Cost(
        seconds,
        joules,
        (CPU if device == "cpu" else GPU) if known else UNKNOWN,
        UNKNOWN if joules is None else MEASURED if isinstance(method, str) and method.startswith(MEASURED) else ESTIMATED,
        TRAINED if origin == TRAINED else IMPORTED,
    )


def amount(value: Any) -> float | None:
    """A number of seconds or joules; None for what is none, is negative or is absurd."""
    return finite(value, least=0, most=LARGEST)


def energy_range(joules: list[float]) -> str:
    """From how much to how much, in a unit that suits."""
    low, high = joules
    unit, name = next(one for one in UNITS if high >= one[0] or one[0] == 1)
    return f"{low / unit:,.3g} to {high / unit:,.3g} {name}"


@dataclass(slots=True)
class Spending:
    """The cost of some records together.

    Attributes
    ----------
    records
        How many.
    seconds
        Device → seconds. [seconds]
    joules
        Method → joules. [joules]
    without_energy
        Records that state no energy.
    """

    records: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(DEVICES, 0.0))
    joules: dict[str, float] = field(default_factory=lambda: dict.fromkeys((MEASURED, ESTIMATED), 0.0))
    without_energy: int = 0

    def add(self, cost: Cost) -> None:
        """Count one record more."""
        self.records += 1
        self.seconds[cost.device] += cost.seconds
        if cost.joules is None:
            self.without_energy += 1
        else:
            self.joules[cost.method] += cost.joules

    @property
    def measured_share(self) -> float | None:
        """Part of the energy that was measured, 0 to 1; None if there is none."""
        total = sum(self.joules.values())
        return self.joules[MEASURED] / total if total else None

    def to_dict(self) -> Json:
        """Hours, energy as a range from what was measured to all that is known of, and the measured share."""
        measured, estimated = self.joules[MEASURED], self.joules[ESTIMATED]
        return {
            "records": self.records,
            "gpu_hours": self.seconds[GPU] / 3600,
            "cpu_hours": self.seconds[CPU] / 3600,
            "unknown_device_hours": self.seconds[UNKNOWN] / 3600,
            "joules": [measured, measured + estimated],
            "measured_share": self.measured_share,
            "without_energy": self.without_energy,
        }
