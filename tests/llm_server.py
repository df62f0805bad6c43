"""A chat endpoint on the loopback that answers as it is told, faults among it, and counts what it was asked."""

import contextlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = {"stance": "skeptical", "stance_confidence": 80, "sentiment": "neutral", "sentiment_confidence": 60}
_TEXT = re.compile(r"<(statement-\w+)>\n(.*?)\n</\1>", re.DOTALL)


class Endpoint:
    """`answer(text, nth)` gives a fault's name, a (status, headers, body), or the content of an answer.

    `asked` counts requests by statement, `answered` those that got a whole answer (the paid ones).
    """

    def __init__(self, answer: Callable[[str, int], Any], *, delay: float = 0.0, formats: tuple[str, ...] = ()) -> None:
        self.answer, self.delay, self.formats = answer, delay, formats
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.lock = threading.Lock()
        self.at_once = self.most_at_once = 0
        self.url = ""


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = next(m[2] for message in body["messages"] if (m := _TEXT.search(message["content"])))
            with endpoint.lock:
                endpoint.asked[text] += 1
                nth = endpoint.asked[text]
                endpoint.bodies.append(body | {"authorization": self.headers.get("Authorization")})
                endpoint.times.append(time.monotonic())
                endpoint.at_once += 1
                endpoint.most_at_once = max(endpoint.most_at_once, endpoint.at_once)
            try:
                time.sleep(endpoint.delay)
                self._respond(body, text, nth)
            finally:
                with endpoint.lock:
                    endpoint.at_once -= 1

        def _respond(self, body: dict[str, Any], text: str, nth: int) -> None:
            form = body.get("response_format", {}).get("type", "text")
            if endpoint.formats and form not in endpoint.formats:
                return self._send(400, {}, b'{"error": "response_format is not supported"}')
            found = endpoint.answer(text, nth)
            if found == "drop":
                return self.connection.close()
            if found == "slow":
                time.sleep(1.5)
                return None
            if found == "cut":
                return self._send(200, {}, b'{"choices": [{"message": {"content": "{')
            if isinstance(found, tuple):
                return self._send(*found)
            choice: dict[str, Any] = {"message": {"role": "assistant", "content": ""}}
            if isinstance(found, list):  # (token, logprob)
                choice["logprobs"] = {"content": [{"token": t, "logprob": p} for t, p in found]}
                choice["message"]["content"] = "".join(t for t, _ in found)
            else:
                choice["message"]["content"] = found if isinstance(found, str) else json.dumps(found)
            with endpoint.lock:
                endpoint.answered[text] += 1
            usage = {"prompt_tokens": 1000, "completion_tokens": 10}
            return self._send(200, {}, json.dumps({"choices": [choice], "usage": usage}).encode())

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            with contextlib.suppress(OSError):
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

    return Handler


@contextlib.contextmanager
def serve(answer: Callable[[str, int], Any], **options: Any) -> Iterator[Endpoint]:
    """An endpoint that answers until the block ends."""
    endpoint = Endpoint(answer, **options)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(endpoint))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
