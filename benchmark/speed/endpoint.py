"""An endpoint that answers at once; `python -m benchmark.speed.endpoint` prints its port."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

CONTENT: Final = (
    "That depends on his kidneys, his age and what he has taken before. Please ask the doctor who prescribed "
    "it, and call for help if he is hard to wake or breathes slowly."
)
ANSWER: Final[dict[str, Any]] = {
    "id": "chatcmpl-0",
    "object": "chat.completion",
    "created": 0,
    "model": "instant",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": CONTENT,
            },
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 40, "completion_tokens": 40, "total_tokens": 80},
}
BODY: Final = json.dumps(ANSWER).encode()
HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)


class Handler(BaseHTTPRequestHandler):
    """Keeps the connection, and writes head and body in one go."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer any request the same."""
        self.rfile.read(int(self.headers["content-length"]))
        self.wfile.write(HEAD + BODY)

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""


def main() -> None:
    """Serve on a port that the system chooses, until stdin is closed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
