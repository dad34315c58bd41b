"""What the protocol tests share: a scorer that knows one word, policies, chunks, and a stub upstream."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from guardrail.guard import Guard
from guardrail.policy import Policy
from guardrail.scoring.scores import Curve, Curves, Item, ItemScores, WindowScores
from guardrail.verdict import ClassifierInfo

MARK = "zyklon"
"""A text with this word is harmful."""
NOTE = "sesame"
"""A text with this word is harmful a little: over the threshold of the annotating policy only."""

_CURVE = Curve((0.001, 0.5), (0.9, 0.5))
_PRINCIPLES = (_CURVE,) * 9


class MarkerScorer:
    """A scorer whose judgement can be foreseen; it keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[Item] = []
        self.failure: Exception | None = None
        self.before: Callable[[], None] | None = None
        self.info = ClassifierInfo(name="marker", version="1", sha256="0" * 64)
        self.curves = Curves(_CURVE, Curve((0.001, 0.5), (3.0, 2.0)), _PRINCIPLES, _PRINCIPLES)

    def score(self, items: Sequence[Item]) -> list[ItemScores]:
        if self.before is not None:
            self.before()
        if self.failure is not None:
            raise self.failure
        self.seen += items
        return [self._one(item) for item in items]

    def _one(self, item: Item) -> ItemScores:
        response = item.response is not None
        text = (item.response if response else item.prompt) or ""
        bad = 0.97 if MARK in text else 0.6 if NOTE in text else 0.01
        window = WindowScores(
            0,
            len(text),
            "text",
            risk=bad,
            harmfulness=1 + 4 * bad if response else None,
            refusal=0.1 if response else None,
            principles=(0.01,) * 3 + (bad,) + (0.01,) * 5,
            general=0.0,
        )
        return ItemScores((window,))

    @property
    def prompts(self) -> list[str]:
        return [item.prompt or "" for item in self.seen if item.response is None]

    @property
    def responses(self) -> list[str]:
        return [item.response for item in self.seen if item.response is not None]


def policy(**changes: Any) -> Policy:
    """Refuses at risk 0.9 or harmfulness 4; `changes` are top-level keys."""
    base: dict[str, Any] = {
        "name": "test",
        "prompt": {"action": "refuse", "threshold": 0.9},
        "response": {"action": "refuse", "threshold": 4.0},
        "reply": {"prompt": "I can't help with that.", "response": "I can't show that."},
        "stream": {"window_chars": 40, "overlap_chars": 40},
    }
    return Policy.load({**base, **changes})


def annotating() -> Policy:
    """Puts the verdict on answers to and with the note word."""
    return policy(
        prompt={"action": "annotate", "threshold": 0.5}, response={"action": "annotate", "threshold": 3.0}
    )


def guard(scorer: MarkerScorer | None = None, **changes: Any) -> Guard:
    """A real guard with the marker scorer."""
    return Guard(policy(**changes), scorer=scorer or MarkerScorer())


# ---- bodies


def request(*messages: Any, **more: Any) -> bytes:
    """A chat request; a string is a user's message."""
    listed = [{"role": "user", "content": m} if isinstance(m, str) else m for m in messages]
    return json.dumps({"model": "m", "messages": listed, **more}).encode()


def completion(*texts: str, **more: Any) -> bytes:
    """A whole completion with one choice a text, spaced unlike the guard would write it."""
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [
                {
                    "index": i,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
                for i, text in enumerate(texts)
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            **more,
        },
        indent=1,
    ).encode()


def chunk(index: int = 0, finish: str | None = None, **delta: Any) -> bytes:
    """One streamed event."""
    return event(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}],
        }
    )


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def pieces(text: str) -> list[str]:
    """A text as a model would stream it."""
    return re.findall(r"\s?\S+|\s+", text)


def streamed(text: str, index: int = 0) -> list[bytes]:
    """The events of one choice."""
    return [
        chunk(index, role="assistant", content=""),
        *(chunk(index, content=piece) for piece in pieces(text)),
        chunk(index, "stop"),
    ]


def events_of(data: bytes) -> list[Any]:
    """The JSON events of a stream (without `[DONE]`)."""
    found = [part.removeprefix(b"data: ") for part in data.split(b"\n\n") if part.startswith(b"data: ")]
    return [json.loads(part) for part in found if part != b"[DONE]"]


def text_of(data: bytes, index: int = 0, field: str = "content") -> str:
    """What a caller reads of one choice in a stream."""
    return "".join(
        choice["delta"].get(field) or ""
        for found in events_of(data)
        for choice in found.get("choices", ())
        if choice["index"] == index
    )


def finish_of(data: bytes, index: int = 0) -> list[str]:
    """The finish reasons of one choice in a stream."""
    return [
        choice["finish_reason"]
        for found in events_of(data)
        for choice in found.get("choices", ())
        if choice["index"] == index and choice["finish_reason"]
    ]


# ---- upstream


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that closes early is no news."""


class Upstream:
    """A real HTTP server on loopback that plays what it was told and keeps what it was sent."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None
        self.stream: Sequence[bytes] = ()
        self.content_type: str | None = "application/json"
        self.dies = False
        self.pause: Callable[[int], None] | None = None
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.sent = 0
        self.broken = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def says(self, *texts: str) -> None:
        self.body, self.content_type, self.stream = completion(*texts), "application/json", ()

    def streams(self, events: Sequence[bytes], dies: bool = False) -> None:
        self.body, self.content_type, self.stream, self.dies = None, "text/event-stream", events, dies

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(upstream) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                upstream.requests.append((self.command, self.path, headers, body))
                self.send_response(upstream.status)
                if upstream.content_type:
                    self.send_header("content-type", upstream.content_type)
                for name, value in upstream.headers.items():
                    self.send_header(name, value)
                if upstream.body is not None:
                    self.send_header("content-length", str(len(upstream.body)))
                    self.end_headers()
                    self.wfile.write(upstream.body)
                    return
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                self._play()

            def _play(self) -> None:
                try:
                    for number, data in enumerate(upstream.stream):
                        if upstream.pause is not None:
                            upstream.pause(number)
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                        self.wfile.flush()
                        upstream.sent += 1
                    if not upstream.dies:
                        self.wfile.write(b"0\r\n\r\n")
                except OSError:
                    upstream.broken.set()
                self.close_connection = upstream.dies

            do_GET = do_POST = do_DELETE = _serve

        return Handler
