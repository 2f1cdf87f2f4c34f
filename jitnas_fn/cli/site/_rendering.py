"""What an endpoint's template becomes for what a user chooses, read by the endpoint's own parser. No agent, no network."""

import os
import uuid
from pathlib import Path
from typing import Any

from jitnas_fn.cli.site._globus import of_endpoint
from jitnas_fn.cli.site._profiles import SCHEMA, TEMPLATE
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import SiteFileError


def rendered(folder: Path, options: Json) -> str:
    """The configuration of the process that the agent would start.

    Parameters
    ----------
    folder
        Of the endpoint.
    options
        What a user chooses, as `user_endpoint_config`.

    Raises
    ------
    SiteFileError
        If the schema or the template refuses that, or one of them cannot be read.
    SiteUnavailable
        If globus-compute-endpoint is not installed.
    """
    import pwd  # only POSIX has it, and so has an endpoint

    parser, mapper = of_endpoint("endpoint.config.utils"), of_endpoint("endpoint.identity_mapper")
    nobody = mapper.MappedPosixIdentity(
        local_user_record=pwd.getpwuid(os.getuid()), matched_identity=uuid.UUID(int=0), globus_identity_candidates=[]
    )
    try:
        text: str = parser.render_config_user_template(
            parent_config=of_endpoint("endpoint.config").CoreEndpointConfig(),
            user_config_template=(folder / TEMPLATE).read_text("utf-8"),
            user_config_template_path=folder / TEMPLATE,
            mapped_identity=nobody,
            user_config_schema=parser.load_user_config_schema(folder / SCHEMA),
            user_opts=options,
            user_runtime={},
        )
    except Exception as reason:  # noqa: BLE001  of jinja2, jsonschema and the endpoint
        raise SiteFileError(f"{folder / TEMPLATE} refuses {options}: {type(reason).__name__}: {reason}") from None
    return text


def loaded(text: str) -> Any:
    """The configuration object of a text; raises `SiteFileError` if the endpoint's parser refuses it."""
    try:
        return of_endpoint("endpoint.config.utils").load_config_yaml(text)
    except Exception as reason:  # noqa: BLE001  of yaml, pydantic, Parsl and the endpoint
        raise SiteFileError(f"the endpoint's parser refuses the configuration: {reason}") from None
