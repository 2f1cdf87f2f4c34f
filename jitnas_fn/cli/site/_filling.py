"""The values that a folder's files state, read and replaced where they stand; all else in a file stays as it is."""

import json
import re
from collections.abc import Mapping
from typing import Any

from jitnas_fn.cli.site._profiles import CONFIG, ENVIRONMENT, MAPPING, SCHEMA, SITE, TEMPLATE, Profile

OPEN = "FILL_IN"  # where a site must say something
KNOWN = "BY_INIT"  # what `jitnas site init` knows itself: the paths of this machine
LINES = {  # of one value: what stands in front of it, its name, and what stands behind
    TEMPLATE: re.compile(r"^(\{% set )(\w+)( = )(.*)( %\})$", re.MULTILINE),
    SITE: re.compile(r"^()(\w+)( = )(.*)()$", re.MULTILINE),
    CONFIG: re.compile(r"^()(\w+)(: )(.*)()$", re.MULTILINE),
    ENVIRONMENT: re.compile(r"^()(\w+)(: )(.*)()$", re.MULTILINE),
}
VARIABLES = {"JITNAS_SITE": "site_file", "PATH": "path", "identity_mapping_config_path": "mapping_file"}
WITHIN_JSON = {"organisation": MAPPING, "service_account": MAPPING}


def values_in(file: str, text: str) -> dict[str, Any]:
    """The values that a file states, by the names of their fields; what is no single value is left out."""
    found: dict[str, Any] = {}
    for _, name, _, value, _ in LINES[file].findall(text):
        try:
            found[VARIABLES.get(name, name)] = json.loads(value)  # what is written here is also JSON
        except ValueError:
            continue
    return found


def fields_of(profile: Profile) -> dict[str, Any]:
    """The fields that a profile has, and the value of each as the folder has it."""
    found = {name: value for file in LINES for name, value in values_in(file, profile.files[file]).items()}
    return found | {name: OPEN for name, file in WITHIN_JSON.items() if file in profile.files}


def is_open(value: Any) -> bool:
    """Whether a site must still say something here."""
    return value in (OPEN, [OPEN])


def filled(profile: Profile, values: Mapping[str, Any]) -> dict[str, str]:
    """The files of a profile with these values in the place of its own."""
    files = {name: _with(text, LINES[name], values) if name in LINES else text for name, text in profile.files.items()}
    files[SCHEMA] = _limited(files[SCHEMA], values)
    if profile.is_shared:
        files[MAPPING] = _mapped(files[MAPPING], values)
    return files


def _with(text: str, line: re.Pattern[str], values: Mapping[str, Any]) -> str:
    def replaced(found: re.Match[str]) -> str:
        field = VARIABLES.get(found[2], found[2])
        stated = json.dumps(values[field]) if field in values else found[4]
        return f"{found[1]}{found[2]}{found[3]}{stated}{found[5]}"

    return line.sub(replaced, text)


def _limited(schema: str, values: Mapping[str, Any]) -> str:
    """The schema with the partitions and the number of blocks that there are."""
    stated = json.loads(schema)
    properties = stated["properties"]
    if "partition" in properties and "partitions" in values:
        properties["partition"]["enum"] = values["partitions"]
    if "blocks" in properties and "most_blocks" in values:
        properties["blocks"]["maximum"] = values["most_blocks"]
    return json.dumps(stated, indent=2) + "\n"


def _mapped(mapping: str, values: Mapping[str, Any]) -> str:
    """The identity mapping with the members of that organisation as that account."""
    stated = json.loads(mapping)
    rule = stated[0]["mappings"][0]
    if "organisation" in values:
        rule["match"] = "(.*)@" + values["organisation"].replace(".", "\\.")
    if "service_account" in values:
        rule["output"] = values["service_account"]
    return json.dumps(stated, indent=2) + "\n"
