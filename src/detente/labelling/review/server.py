"""The local page: on 127.0.0.1 only, for one annotator, opened by a key; every answer is for this page alone.

A page of another origin cannot read or post here: the Host must be local (no DNS rebinding), an Origin must be
ours, every call needs the key in a header, and nothing is ever answered with CORS headers.
"""

import hmac
import json
import socket
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from detente.errors import InputError, UsageError
from detente.labelling import codebook
from detente.labelling.codebook import Codebook
from detente.labelling.review import session as work
from detente.labelling.review.session import Session

HOST = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
_FILES = {"/": "text/html", "/review.css": "text/css", "/review.js": "text/javascript"}
_NAMES = {"/": "index.html"}
_LOCAL = frozenset((HOST, "localhost", "[::1]"))
_MOST_BYTES = 100_000
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def bind(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 takes a free one. Raises UsageError if the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(16)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"port {port} cannot be used ({error.strerror}): another program or page has it; give another, "
            f"as port={port + 1 if port < 65535 else 0}"
        ) from None
    return listener


def build(session: Session, book: Codebook | None, key: str) -> Any:
    """The application, an ASGI callable."""
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse, Response

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def guard(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        refused = _refusal(request.method, request.url.path, request.headers, key)
        answer = JSONResponse({"error": refused}, status_code=403) if refused else await proceed(request)
        answer.headers.update(_HEADERS)
        return answer

    async def page(request: Request) -> Response:
        path = request.url.path
        body = (PAGE / _NAMES.get(path, path.removeprefix("/"))).read_bytes()
        return Response(body, media_type=_FILES[path])

    async def about(request: Request) -> Response:
        return JSONResponse(_about(session, book))

    async def guide(request: Request) -> Response:
        sections = codebook.guide(book, request.query_params.get("lang", "en")) if book else ()
        return JSONResponse([{"title": s.title, "lines": s.lines} for s in sections])

    async def state(request: Request) -> Response:
        return JSONResponse(work.state(session))

    async def act(request: Request) -> Response:
        try:
            sent = await _body(request)
            actions = {"save": work.save, "undo": work.undo, "reopen": work.reopen}
            return JSONResponse(actions[request.path_params["action"]](session, sent))
        except KeyError:
            return JSONResponse({"error": "unknown action"}, status_code=404)
        except InputError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        except sqlite3.Error as error:
            why = f"The database takes nothing ({error}). Mend that: your label waits here and is saved then."
            return JSONResponse({"error": why}, status_code=503)

    app.middleware("http")(guard)
    for path in _FILES:
        app.add_api_route(path, page, methods=["GET"])
    for path, answer in (("/api/about", about), ("/api/guide", guide), ("/api/state", state)):
        app.add_api_route(path, answer, methods=["GET"])
    app.add_api_route("/api/{action}", act, methods=["POST"])
    return app


def _refusal(method: str, path: str, headers: Mapping[str, str], key: str) -> str:
    """Why a request is not answered; empty if it is."""
    host = headers.get("host", "")
    if host.rpartition(":")[0] not in _LOCAL and host not in _LOCAL:
        return "this page answers on 127.0.0.1 alone"
    if headers.get("origin", f"http://{host}") != f"http://{host}":
        return "this page answers itself alone"
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return "this page answers itself alone"
    if path.startswith("/api/"):
        if not hmac.compare_digest(headers.get("x-detente-key", "").encode(), key.encode()):
            return "the key is missing or old; open the link that the command printed"
        if method == "POST" and headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return "only JSON is taken"
    return ""


async def _body(request: Any) -> dict[str, Any]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise InputError("this is more than a label and a comment")
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise InputError("no JSON came") from None
    if not isinstance(sent, dict):
        raise InputError("no JSON object came")
    return sent


def _about(session: Session, book: Codebook | None) -> dict[str, Any]:
    guides = book.tasks if book else {}
    tasks = [
        {
            "name": task.name,
            "target": task.target,
            "question": guides[task.name].question if task.name in guides else "",
            "labels": [
                {"name": label, "meaning": guides[task.name].labels.get(label, "") if task.name in guides else ""}
                for label in task.labels
            ],
        }
        for task in session.tasks
    ]
    return {
        "annotator": session.annotator,
        "adjudicating": session.adjudicating,
        "tasks": tasks,
        "guide": book is not None,
        "most_comment": work.MAX_COMMENT,
    }


def serve(app: Any, listener: socket.socket) -> None:
    """Answer until Ctrl-C, which comes out as KeyboardInterrupt."""
    import uvicorn

    settings = {"log_config": None, "access_log": False, "log_level": "warning", "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(app, timeout_graceful_shutdown=2, server_header=False, **settings))
    server.run(sockets=[listener])
