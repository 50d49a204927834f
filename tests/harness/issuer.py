"""A SciTokens issuer on loopback: its keys over HTTPS, with a certificate of a pool's authority."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from htcondor_async.testing import TokenIssuer


@contextmanager
def serve(folder: Path) -> Iterator[TokenIssuer]:
    """Run an issuer that shows server.pem of `folder`, and yield it; its URL names a free port of localhost."""
    documents: dict[str, str] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            data = documents.get(self.path, "").encode()
            self.send_response(200 if data else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        issuer = TokenIssuer(f"https://localhost:{server.server_address[1]}")
        documents["/.well-known/openid-configuration"] = issuer.configuration
        documents["/keys"] = issuer.key_set
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
