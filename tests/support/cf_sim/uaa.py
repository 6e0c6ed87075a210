# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""UAA: who somebody is. Password, client_credentials and refresh_token grants, JWTs, one-time codes for ssh."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from urllib.parse import quote, unquote

from .errors import CFError
from .http import Request, Response
from .model import Principal, State

LOCKED = "Your account has been locked because of too many failed attempts to login."
USER_SCOPES = ("openid", "password.write", "cloud_controller.read", "cloud_controller.write", "uaa.user")
FAILURES_UNTIL_LOCKED = 10


class OAuthError(Exception):
    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.response = Response(status, {"error": error, "error_description": description})
        if status == 401:
            self.response.headers["WWW-Authenticate"] = f'Bearer realm="oauth", error="{error}"'


@dataclass
class _Token:
    principal: Principal
    client: str
    expires: float
    grant: str = ""
    origin: float = 0.0  # when the user authenticated


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Uaa:
    """`token_lifetime`, `refresh_lifetime` and `code_lifetime` are seconds and may be changed at any time."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._key = secrets.token_bytes(32)
        self._access: dict[str, _Token] = {}
        self._refresh: dict[str, _Token] = {}
        self._codes: dict[str, _Token] = {}
        self.issued: list[str] = []  # every token and code ever, for who looks for them elsewhere
        self.url = ""
        self.token_lifetime = 600.0
        self.refresh_lifetime = 2592000.0
        self.code_lifetime = 300.0
        self.rotate_refresh_tokens = True

    # For the API, the ssh proxy and the tests.

    def verify(self, token: str) -> Principal:
        """Whose access token this is. Raises CFError 1000 for a forged, expired or revoked one."""
        head, _dot, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(head).encode(), signature.encode()):
            raise CFError("InvalidAuthToken")
        payload = head.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        with self._state.lock:
            found = self._access.get(claims["jti"])
            if found is None or found.expires <= time.time():
                raise CFError("InvalidAuthToken")
            return found.principal

    def expire_access_tokens(self) -> None:
        with self._state.lock:
            self._access.clear()

    def revoke_everything(self) -> None:
        """Access and refresh tokens: every login is over, as after an administrator's revocation."""
        with self._state.lock:
            self._access.clear()
            self._refresh.clear()
            self._codes.clear()

    def redeem(self, code: str) -> Principal | None:
        """Whose one-time code this is. It works once and only for `code_lifetime` seconds."""
        with self._state.lock:
            found = self._codes.pop(code, None)
        return found.principal if found and found.expires > time.time() else None

    def access_token(self, principal: Principal) -> str:
        """A token without a login, for the `access_token` option."""
        with self._state.lock:
            return self._issue(principal, "cf", "password", time.time())[0]

    def refresh_token(self, principal: Principal) -> str:
        """A token without a login, for a session of the cf command line."""
        with self._state.lock:
            return self._new_refresh(principal, "cf", time.time())

    # HTTP.

    def handle(self, request: Request) -> Response:
        try:
            with self._state.lock:
                return self._route(request)
        except OAuthError as error:
            return error.response

    def _route(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", "/login" | "/info":
                return Response(200, self._info())
            case "POST", "/oauth/token":
                return self._token(request)
            case "GET" | "POST", "/oauth/authorize":
                return self._authorize(request)
            case "GET", "/token_key":
                return Response(200, self._public_key())
            case "GET", "/token_keys":
                return Response(200, {"keys": [self._public_key()]})
            case "GET", "/userinfo":
                user = self._bearer(request)
                return Response(200, {"user_id": user.guid, "user_name": user.name, "email": user.name})
        if request.method == "DELETE" and request.path.startswith("/oauth/token/revoke/"):
            self._bearer(request)
            jti = request.path.rpartition("/")[2]
            self._access.pop(jti, None)
            self._refresh.pop(jti, None)
            return Response(200)
        return Response(404, {"error": "not_found", "error_description": "Not Found"})

    def _info(self) -> dict[str, object]:
        return {
            "app": {"version": "77.20.0"},
            "links": {"uaa": self.url, "login": self.url, "passwd": "/forgot_password", "register": "/create_account"},
            "zone_name": "uaa",
            "entityID": "login.sim",
            "commit_id": "simulated",
            "idpDefinitions": {},
            "prompts": {
                "username": ["text", "Email"],
                "password": ["password", "Password"],
                "passcode": ["password", f"Temporary Authentication Code ( Get one at {self.url}/passcode )"],
            },
            "timestamp": "2026-01-01T00:00:00+0000",
        }

    def _public_key(self) -> dict[str, str]:
        return {"kty": "MAC", "alg": "HS256", "use": "sig", "kid": "sim-key-1"}

    def _client(self, request: Request, form: dict[str, str]) -> tuple[str, Principal | None]:
        """The OAuth client that asks; `cf` has no secret and is nobody in the Cloud Controller."""
        kind, _space, encoded = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            name, _colon, secret = base64.b64decode(encoded).decode().partition(":")
            name, secret = unquote(name), unquote(secret)
        else:
            name, secret = form.get("client_id", ""), form.get("client_secret", "")
        if name == "cf" and secret == "":
            return name, None
        for principal in self._state.principals.values():
            same = hmac.compare_digest(principal.secret.encode(), secret.encode())
            if principal.is_client and principal.name == name and same:
                return name, principal
        raise OAuthError(401, "unauthorized", "Bad credentials")

    def _token(self, request: Request) -> Response:
        form = request.form()
        grant = form.get("grant_type", "")
        client, principal = self._client(request, form)
        now = time.time()
        if grant == "client_credentials":
            if principal is None:
                raise OAuthError(401, "unauthorized", "Bad credentials")
            request.user = principal.name
            return self._grant(principal, client, grant, now, refresh=None)
        if grant == "password":
            user = self._authenticate(form, form.get("login_hint") or request.one("login_hint"))
            request.user = user.name
            return self._grant(user, client, grant, now, refresh=self._new_refresh(user, client, now))
        if grant == "refresh_token":
            token = form.get("refresh_token", "")
            found = self._refresh.get(token)
            if found is None or found.expires <= now or found.client != client:
                raise OAuthError(401, "invalid_token", "The token expired, was revoked, or the token ID is incorrect.")
            request.user = found.principal.name
            if self.rotate_refresh_tokens:
                del self._refresh[token]
                token = self._new_refresh(found.principal, client, found.origin)
            return self._grant(found.principal, client, grant, found.origin, refresh=token)
        if not grant:
            raise OAuthError(400, "invalid_request", "Missing grant type")
        raise OAuthError(400, "unsupported_grant_type", f"Unsupported grant type: {grant}")

    def _authenticate(self, form: dict[str, str], hint: str) -> Principal:
        origin = ""
        if hint:
            try:
                origin = json.loads(hint)["origin"]
            except (ValueError, KeyError, TypeError):
                origin = ""
        users = [user for user in self._state.principals.values() if not user.is_client]
        if origin and origin not in {"uaa", *(user.origin for user in users)}:
            raise OAuthError(
                401,
                "unauthorized",
                "The origin provided in the login_hint does not match an active Identity Provider, "
                "that supports password grant.",
            )
        for user in users:
            if user.name.lower() != form.get("username", "").lower() or user.origin != (origin or "uaa"):
                continue
            if user.failed_logins >= FAILURES_UNTIL_LOCKED:
                raise OAuthError(401, "unauthorized", LOCKED)
            if hmac.compare_digest(user.secret.encode(), form.get("password", "").encode()):
                user.failed_logins = 0
                return user
            user.failed_logins += 1
        raise OAuthError(401, "unauthorized", "Bad credentials")

    def _grant(self, who: Principal, client: str, grant: str, since: float, *, refresh: str | None) -> Response:
        token, jti = self._issue(who, client, grant, since)
        answer: dict[str, object] = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": max(0, int(self.token_lifetime) - 1),
            "scope": " ".join(self._scopes(who)),
            "jti": jti,
        }
        if refresh is not None:
            answer["refresh_token"] = refresh
        return Response(200, answer, {"Cache-Control": "no-store", "Pragma": "no-cache"})

    @staticmethod
    def _scopes(who: Principal) -> list[str]:
        return [*USER_SCOPES, *(["cloud_controller.admin"] if who.admin else [])]

    def _new_refresh(self, user: Principal, client: str, since: float) -> str:
        token = f"{secrets.token_hex(16)}-r"
        self.issued.append(token)
        self._refresh[token] = _Token(user, client, time.time() + self.refresh_lifetime, origin=since)
        return token

    def _issue(self, who: Principal, client: str, grant: str, since: float) -> tuple[str, str]:
        now = time.time()
        jti = secrets.token_hex(16)
        claims: dict[str, object] = {
            "jti": jti,
            "sub": who.name if who.is_client else who.guid,
            "scope": self._scopes(who),
            "client_id": client,
            "cid": client,
            "azp": client,
            "grant_type": grant,
            "rev_sig": "51a2c3d4",
            "iat": int(now),
            "exp": int(now + max(self.token_lifetime, 1)),
            "iss": f"{self.url}/oauth/token",
            "zid": "uaa",
            "aud": ["cloud_controller", "password", "openid", "uaa", client],
        }
        if who.is_client:
            claims["authorities"] = self._scopes(who)
        else:
            claims |= {
                "user_id": who.guid,
                "origin": who.origin,
                "user_name": who.name,
                "email": who.name,
                "auth_time": int(since),
            }
        header = {"alg": "HS256", "jku": f"{self.url}/token_keys", "kid": "sim-key-1", "typ": "JWT"}
        head = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
        self._access[jti] = _Token(who, client, now + self.token_lifetime, grant)
        token = f"{head}.{self._sign(head)}"
        self.issued.append(token)
        return token, jti

    def _sign(self, head: str) -> str:
        return _b64(hmac.new(self._key, head.encode(), hashlib.sha256).digest())

    def _bearer(self, request: Request) -> Principal:
        kind, _space, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise OAuthError(401, "unauthorized", "Full authentication is required to access this resource")
        try:
            principal = self.verify(token)
        except CFError:
            raise OAuthError(401, "invalid_token", "The token expired, was revoked, or is invalid") from None
        request.user = principal.name
        return principal

    def _authorize(self, request: Request) -> Response:
        principal = self._bearer(request)
        fields = request.form() if request.method == "POST" else {}
        asked = {name: fields.get(name) or request.one(name) for name in ("response_type", "client_id")}
        if asked["response_type"] != "code":
            wrong = f"Unsupported response types: [{asked['response_type']}]"
            raise OAuthError(400, "unsupported_response_type", wrong)
        if asked["client_id"] != "ssh-proxy":
            raise OAuthError(401, "invalid_client", f"No client with requested id: {asked['client_id']}")
        code = secrets.token_urlsafe(24)
        self.issued.append(code)
        self._codes[code] = _Token(principal, "ssh-proxy", time.time() + self.code_lifetime)
        return Response(302, None, {"Location": f"{self.url}/login?code={quote(code)}"})
