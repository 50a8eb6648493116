"""A Hugging Face Hub of one process: it makes repositories, takes a commit and serves what was committed."""

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SHA = "a" * 40


class Hub:
    """What was committed, and what was asked.

    Attributes:
        files: name -> content of the one repository.
        repository: as it was made, or None.
        refuses: whether every answer is 401.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.repository: dict[str, object] | None = None
        self.asked: list[str] = []
        self.refuses = False
        self.url = ""


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, code: int, content: bytes, **headers: str) -> None:
            self.send_response(code)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def _json(self, data: object, code: int = 200) -> None:
            self._answer(code, json.dumps(data).encode(), Content_Type="application/json")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            hub.asked.append(f"POST {self.path}")
            if hub.refuses:
                self._json({"error": "Invalid username or password."}, 401)
            elif self.path == "/api/repos/create":
                hub.repository = json.loads(body)
                self._json({"url": f"{hub.url}/me/{hub.repository['name']}"})
            elif self.path == "/api/validate-yaml":
                self._json({"errors": [], "warnings": []})
            elif "/preupload/" in self.path:
                files = json.loads(body)["files"]
                modes = [
                    {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in files
                ]
                self._json({"files": modes})
            else:
                for line in map(json.loads, body.splitlines()):
                    if line["key"] == "file":
                        hub.files[line["value"]["path"]] = b64decode(line["value"]["content"])
                self._json({"commitOid": SHA, "commitUrl": f"{hub.url}/me/faces/commit/{SHA}"})

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            hub.asked.append(f"{self.command} {self.path}")
            name = self.path.rpartition("/")[2].partition("?")[0]
            if hub.refuses or not hub.files:
                self._json({"error": "Repository not found"}, 401 if hub.refuses else 404)
            elif "/resolve/" in self.path and name in hub.files:
                etag = f'"{sha1(hub.files[name], usedforsecurity=False).hexdigest()}"'
                self._answer(200, hub.files[name], ETag=etag, X_Repo_Commit=SHA)
            elif "/tree/" in self.path:
                kept = hub.files.items()
                self._json([{"type": "file", "path": file, "size": len(c), "oid": SHA} for file, c in kept])
            elif "/api/models/" in self.path:
                siblings = [{"rfilename": file} for file in hub.files]
                self._json({"id": "me/faces", "sha": SHA, "siblings": siblings, "tags": [], "private": True})
            else:
                self._json({"error": "Entry not found"}, 404)

    return Handler


@contextmanager
def serving() -> Iterator[Hub]:
    """Serve a Hub on a free port of this machine."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
