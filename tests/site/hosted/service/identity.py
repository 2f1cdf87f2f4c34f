"""Who is calling: tokens for client credentials. An identity is the client id of whoever asked for the token."""

import base64
import dataclasses
import hashlib
import hmac
import http
import json
import secrets
import uuid

from tests.site.hosted.service.refusal import Refused, malformed

COMPUTE_SCOPE = "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all"
LIFE_SECONDS = 172_800


@dataclasses.dataclass(frozen=True)
class Identity:
    id: str
    username: str
    email: str

    def document(self):
        """As an identity stands in an identity set."""
        return {
            "sub": self.id,
            "id": self.id,
            "username": self.username,
            "preferred_username": self.username,
            "name": self.username.partition("@")[0],
            "email": self.email,
            "identity_provider": "41143743-f3c8-4d60-bbdb-eeecaba85bd9",
            "identity_provider_display_name": "stand-in",
            "organization": "this machine",
            "identity_type": "login",
            "status": "used",
        }


class Identities:
    """Gives tokens, and tells whose they are; also after a restart, since they are signed.

    Parameters
    ----------
    folder
        Holds the key, and may hold `identities.json`: `{client id: {"username": ..., "email": ...}}`.
    """

    def __init__(self, folder):
        self._names = folder / "identities.json"
        path = folder / "token.key"
        if not path.exists():
            path.write_bytes(secrets.token_bytes(32))
        self._key = path.read_bytes()

    def token(self, client_id):
        return f"{client_id}.{self._signature(client_id)}"

    def who(self, authorization):
        """The identity behind the header of a request."""
        scheme, _, token = (authorization or "").partition(" ")
        client_id, _, signature = token.partition(".")
        if scheme != "Bearer" or not hmac.compare_digest(signature.encode(), self._signature(client_id).encode()):
            raise Refused(http.HTTPStatus.UNAUTHORIZED, "NOT_AUTHENTICATED", "no token, or none of this service")
        return self.named(client_id)

    def named(self, client_id):
        names = json.loads(self._names.read_text()) if self._names.exists() else {}
        usual = f"{client_id}@clients.auth.globus.org"
        name = {"username": usual, "email": usual} | names.get(client_id, {})
        return Identity(client_id, name["username"], name["email"])

    def _signature(self, client_id):
        return hmac.new(self._key, client_id.encode(), hashlib.sha256).hexdigest()


def give_token(service, request):
    try:
        client_id = base64.b64decode(request.authorization.split()[1]).decode().partition(":")[0]
        client_id = str(uuid.UUID(client_id))
    except (AttributeError, IndexError, ValueError):
        raise malformed("a token is for client credentials, whose id is a UUID") from None
    by_server = {"auth.globus.org": [], "funcx_service": []}
    for scope in request.form.get("scope", "").split():
        by_server["funcx_service" if scope == COMPUTE_SCOPE else "auth.globus.org"].append(scope)
    first, *others = [
        {
            "access_token": service.identities.token(client_id),
            "token_type": "Bearer",
            "expires_in": LIFE_SECONDS,
            "resource_server": server,
            "scope": " ".join(scopes),
        }
        for server, scopes in by_server.items()
        if scopes
    ]
    return {**first, "other_tokens": others}


def revoke_token(service, request):
    return {"active": False}


def userinfo(service, request):
    document = request.caller.document()
    return {**document, "identity_set": [document]}


def identities(service, request):
    wanted = request.query.get("ids", request.caller.id).split(",")
    return {"identities": [service.identities.named(each).document() for each in wanted]}


ROUTES = (
    ("POST", "/v2/oauth2/token", give_token),
    ("POST", "/v2/oauth2/token/revoke", revoke_token),
    ("GET", "/v2/oauth2/userinfo", userinfo),
    ("GET", "/v2/api/identities", identities),
)
OPEN = (give_token, revoke_token)  # asked for without a token
