"""What keeps the agent alive: a unit of systemd, or a line for cron."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

UNIT = """\
# Keeps the agent alive. {how}
[Unit]
Description=jitnas_fn: Globus Compute endpoint {name}
After=network-online.target
StartLimitIntervalSec=0

[Service]
{environment}
ExecStart={program} start {name}
Restart=always
RestartSec=30
# Its processes are told to end, and have a minute for it.
KillMode=mixed
TimeoutStopSec=60

[Install]
WantedBy={wanted_by}
"""
FRESH_MINUTES = 2  # the agent touches its PID file four times a minute


def unit_name(name: str) -> str:
    """The file of the unit."""
    return f"jitnas-endpoint-{name}.service"


def unit(folder: Path, values: Mapping[str, Any], *, is_shared: bool) -> str:
    """A unit of systemd, of the user or, for an endpoint that is shared, of the system."""
    environment = "\n".join(f"Environment={name}={value}" for name, value in _environment(values).items())
    return UNIT.format(
        how=" && ".join(start_commands(folder, is_shared=is_shared)),
        name=folder.name,
        environment=environment,
        program=program(values),
        wanted_by="multi-user.target" if is_shared else "default.target",
    )


def start_commands(folder: Path, *, is_shared: bool) -> list[str]:
    """What starts the agent now and at each boot."""
    path = folder / unit_name(folder.name)
    if is_shared:
        return [f"systemctl enable --now {path}"]
    return ["loginctl enable-linger", f"systemctl --user enable --now {path}"]


def cron_line(folder: Path, values: Mapping[str, Any]) -> str:
    """The line for `crontab -e` where systemd is not for users: looks every five minutes, and starts what does not live."""
    environment = " ".join(f"{name}={value}" for name, value in _environment(values).items())
    lives = f'[ -n "$(find {folder}/daemon.pid -mmin -{FRESH_MINUTES} 2>/dev/null)" ]'
    return f"*/5 * * * * {lives} || {environment} setsid {program(values)} start {folder.name} >/dev/null 2>&1"


def program(values: Mapping[str, Any]) -> str:
    """The agent's program, beside the interpreter of this machine."""
    return str(Path(values.get("agent_python") or values["python"]).parent / "globus-compute-endpoint")


def _environment(values: Mapping[str, Any]) -> dict[str, str]:
    stated = {name: os.environ[name] for name in ("GLOBUS_COMPUTE_USER_DIR", "SLURM_CONF") if os.environ.get(name)}
    return {"PATH": values["path"], **stated}
