"""The gateway's NGINX configuration, made from the routes of the Ingress."""

import os
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedded.gateway_errors import PAGE_FILE, Problem, page, problems, unreadable
from embedded.ingress import Route

TEMPORARY_FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi", "cache")

CONFIGURATION = """\
# Made from the Ingress rules at each start; changes here are lost.
daemon off;
worker_processes 1;
{user}pid "{folder}/nginx.pid";
lock_file "{folder}/nginx.lock";
error_log stderr warn;
worker_rlimit_nofile 8192;

events {{
    worker_connections 4096;
}}

http {{
    access_log off;
    server_tokens off;
    default_type application/octet-stream;
    types {{
        text/html html;
    }}
    keepalive_timeout 65s;
    keepalive_requests 100000;
    reset_timedout_connection on;
    client_header_timeout 10s;
    client_body_timeout 10s;
    send_timeout 30s;
    client_max_body_size 64k;
    client_body_buffer_size 64k;

    client_body_temp_path "{folder}/client_body";
    proxy_temp_path "{folder}/proxy";
    fastcgi_temp_path "{folder}/fastcgi";
    uwsgi_temp_path "{folder}/uwsgi";
    scgi_temp_path "{folder}/scgi";
    proxy_cache_path "{folder}/cache" levels=1:2 keys_zone=shared:4m max_size=64m
                     inactive=1m use_temp_path=off;

    # A caller's request id is kept when it is one, so that it cannot smuggle text
    # into our logs; otherwise one is made here. The services keep the same ones.
    map $http_x_request_id $request_id_kept {{
        default $request_id;
        "~^[A-Za-z0-9._-]{{8,64}}$" $http_x_request_id;
    }}

    # Only what the service itself calls public may be kept for others.
    map $upstream_http_cache_control $not_public {{
        default 1;
        "~*(^|[ ,])public($|[ ,])" 0;
    }}

    # The listing and static files are the same for everyone. Anything else may look
    # different to who is signed in, so a session passes the cache by.
    map $uri $same_for_all {{
        default 0;
        /api/tickets 1;
        "~^/static/" 1;
    }}
    map "$same_for_all:$cookie_session" $personal {{
        default 1;
        "~^1:" 0;
        "~^[01]:$" 0;
    }}

    # Of what it may keep, NGINX would judge If-Match itself, in place of the service
    # that knows the version, and answer with a page of its own.
    map $http_if_match$http_if_unmodified_since $kept_in {{
        default off;
        "" shared;
    }}

{upstreams}
    server {{
{listens}
        server_name _;

        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Connection "";
        proxy_set_header X-Request-ID $request_id_kept;
        # The gateway is the edge: what a caller claims of its address is dropped.
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header Forwarded "";
        proxy_connect_timeout 2s;
        proxy_read_timeout 30s;
        proxy_send_timeout 30s;
        # A request is never sent twice: the second could buy again.
        proxy_next_upstream off;

        # Of an answer that may be kept, the key stands before the headers in this
        # buffer: the longest address (8k) must leave room for them.
        proxy_buffer_size 32k;
        proxy_buffers 8 32k;

        proxy_cache $kept_in;
        proxy_cache_key $scheme$http_host$request_uri;
        proxy_cache_methods GET HEAD;
        proxy_cache_bypass $personal;
        proxy_no_cache $not_public $personal;
        proxy_cache_lock on;
        proxy_cache_lock_timeout 100ms;
        proxy_cache_use_stale updating;

        proxy_hide_header X-Request-ID;
        add_header X-Request-ID $request_id_kept always;
        add_header X-Cache $upstream_cache_status always;

{page_errors}
        location = /{page_file} {{
            internal;
            root "{folder}/pages";
            add_header X-Request-ID $request_id_kept always;
            add_header Retry-After 2 always;
            add_header Cache-Control no-store always;
            add_header Content-Security-Policy "{page_policy}" always;
            add_header X-Content-Type-Options nosniff always;
        }}

{unreadable_locations}
{problem_locations}
{locations}
    }}
}}
"""

UPSTREAM = """\
    upstream {name} {{
        server {address} max_fails=0;
        keepalive 64;
        # Less than the 5 s after which uvicorn closes an idle connection, so that a
        # request is never sent into a connection that is just being closed.
        keepalive_timeout 4s;
        keepalive_requests 100000;
    }}
"""

PROBLEM_LOCATION = """\
        location @api_{status} {{
            internal;
            default_type application/problem+json;
            add_header X-Request-ID $request_id_kept always;
            add_header Cache-Control no-store always;
            add_header X-Content-Type-Options nosniff always;
{retry}            return {status} '{body}';
        }}
"""


# What cannot be read has no path yet, and so no named location can be gone to.
UNREADABLE_LOCATION = """\
        location = /.problem/{status} {{
            internal;
            default_type application/problem+json;
            add_header X-Request-ID $request_id_kept always;
            add_header Cache-Control no-store always;
            add_header X-Content-Type-Options nosniff always;
            return {status} '{body}';
        }}
"""

# How NGINX names some of them. Unknown encodings and versions are the caller's doing.
NGINX_CODES = {400: "400 501 505 =400", 431: "494 =431"}


class UnknownService(Exception):
    """The Ingress names a service that the stack does not run."""


@dataclass(frozen=True, slots=True)
class Gateway:
    folder: Path
    port: int
    hosts: Sequence[str]
    routes: Sequence[Route]
    upstreams: Mapping[str, str]  # Service name -> host:port.


def configuration(gateway: Gateway) -> str:
    """The whole nginx.conf; raises UnknownService."""
    used = sorted({route.service for route in gateway.routes})
    missing = [name for name in used if name not in gateway.upstreams]
    if missing:
        raise UnknownService(f"the Ingress names {', '.join(missing)}")
    found = page()
    return CONFIGURATION.format(
        folder=gateway.folder,
        user=_user(),
        upstreams="\n".join(
            UPSTREAM.format(name=name, address=gateway.upstreams[name]) for name in used
        ),
        listens="\n".join(_listen(host, gateway.port) for host in gateway.hosts),
        page_errors=f"        error_page 502 503 504 /{PAGE_FILE};\n"
        + _unreadable_errors(" " * 8),
        page_file=PAGE_FILE,
        page_policy=found.policy,
        unreadable_locations="\n".join(map(_unreadable_location, unreadable())),
        problem_locations="\n".join(map(_problem_location, problems())),
        locations="\n".join(_locations(route) for route in gateway.routes),
    )


def write(gateway: Gateway) -> Path:
    """Lay out the gateway's folder and return the path of its nginx.conf."""
    for name in (*TEMPORARY_FOLDERS, "pages"):
        (gateway.folder / name).mkdir(parents=True, exist_ok=True)
    (gateway.folder / "pages" / PAGE_FILE).write_text(page().html)
    path = gateway.folder / "nginx.conf"
    path.write_text(configuration(gateway))
    return path


def _user() -> str:
    """Root's workers would become nobody, who may not write into our folder."""
    if os.geteuid() != 0:
        return ""
    account = pwd.getpwuid(0)
    return f"user {account.pw_name} {account.pw_name};\n"


def _listen(host: str, port: int) -> str:
    address = f"[{host}]:{port} ipv6only=on" if ":" in host else f"{host}:{port}"
    return f"        listen {address} backlog=4096;"


def _locations(route: Route) -> str:
    """Kubernetes compares a Prefix element by element: /api/users is neither
    /api/usersX nor /api/users-old. In NGINX that takes two locations."""
    if not route.is_prefix:
        return _location(f"= {route.path}", route)
    if route.path == "/":
        return _location("/", route)
    return "\n".join(
        (_location(f"= {route.path}", route), _location(f"{route.path}/", route))
    )


def _location(match: str, route: Route) -> str:
    errors = ""
    if route.is_api:
        errors = _unreadable_errors(" " * 12) + "".join(
            f"            error_page {each.status} = @api_{each.status};\n"
            for each in problems()
        )
    return (
        f"        location {match} {{\n"
        f"{errors}            proxy_pass http://{route.service};\n"
        "        }"
    )


def _unreadable_errors(indent: str) -> str:
    return "".join(
        f"{indent}error_page {NGINX_CODES.get(each.status, each.status)} "
        f"/.problem/{each.status};\n"
        for each in unreadable()
    )


def _unreadable_location(problem: Problem) -> str:
    body = problem.body("$request_id_kept")
    return UNREADABLE_LOCATION.format(status=problem.status, body=body)


def _problem_location(problem: Problem) -> str:
    retry = "            add_header Retry-After 2 always;\n" if problem.retry else ""
    return PROBLEM_LOCATION.format(
        status=problem.status, body=problem.body("$request_id_kept"), retry=retry
    )
