"""A stand-in for the model hub on this machine: the few addresses that an upload calls."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hub(ThreadingHTTPServer):
    """Keeps what was created and committed."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.created: list[dict] = []
        self.blobs: dict[str, bytes] = {}
        self.commits: list[dict[str, bytes]] = []
        self.messages: list[str] = []
        self.tokens: set[str | None] = set()
        self.refused: set[str] = set()  # a word in the path, such as "commit"


@contextmanager
def running_hub() -> Iterator[Hub]:
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        body = self._body()
        self.server.tokens.add(self.headers.get("Authorization"))
        if any(word in self.path for word in self.server.refused):
            self._answer({"error": "You may not write here."}, 403)
        elif self.path == "/api/repos/create":
            self.server.created.append(json.loads(body))
            made = json.loads(body)
            self._answer({"url": f"{self.server.address}/{made['organization']}/{made['name']}"})
        elif self.path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            self._answer({"files": [_upload_mode(file) for file in json.loads(body)["files"]]})
        elif self.path.endswith("/info/lfs/objects/batch"):
            self._answer({"objects": [self._place(item) for item in json.loads(body)["objects"]]})
        elif "/commit/" in self.path:
            self._commit([json.loads(line) for line in body.splitlines()])
        else:
            self._answer({"error": f"no such address: {self.path}"}, 404)

    def do_PUT(self) -> None:
        self.server.blobs[self.path.rpartition("/")[2]] = self._body()
        self._answer({})

    def _place(self, item: dict) -> dict:
        upload = {"href": f"{self.server.address}/blobs/{item['oid']}"}
        return {**item, "actions": {"upload": upload}}

    def _commit(self, lines: list[dict]) -> None:
        files = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.server.messages.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.blobs[value["oid"]]
        self.server.commits.append(files)
        oid = f"{len(self.server.commits):040x}"
        repository = self.path.removeprefix("/api/models/").partition("/commit/")[0]
        url = f"{self.server.address}/{repository}/commit/{oid}"
        self._answer({"success": True, "commitUrl": url, "commitOid": oid})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, value: dict, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _upload_mode(file: dict) -> dict:
    mode = "lfs" if file["path"].endswith(".safetensors") else "regular"
    return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": None}
