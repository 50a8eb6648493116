"""kNN answers over HTTP, with the standard library: python examples/knn_service.py runs/first 8000

curl --data-binary @new.jpg localhost:8000
"""

import json
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from metric_face import MetricFaceError, Predictor

LARGEST = 20 * 2**20  # bytes of an image
predictor = Predictor(sys.argv[1], few=False)


class Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        with tempfile.TemporaryDirectory() as folder:
            image = Path(folder) / "image"
            image.write_bytes(self.rfile.read(min(size, LARGEST)))
            try:
                status, answer = 200, predictor.predict([image])[0].to_dict()
            except MetricFaceError as error:
                status, answer = 400, {"error": str(error).replace(str(image), "the image")}
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


server = HTTPServer(("127.0.0.1", int(sys.argv[2])), Answers)
print(f"listening on {server.server_address[0]}:{server.server_port}", flush=True)
server.serve_forever()
