"""An OpenAI-compatible server: LitServe with sentence-transformers. Models are folders, named in the requests.

Usage: python embedding_server.py PORT NAME=FOLDER...
"""

from __future__ import annotations

import os
import sys
from typing import Any

import litserve
from fastapi import HTTPException, Request
from litserve.specs.openai_embedding import EmbeddingRequest, OpenAIEmbeddingSpec


class Embeddings(litserve.LitAPI):
    """Loads all models; a request is of one of them."""

    def __init__(self, folders: dict[str, str]) -> None:
        super().__init__(spec=OpenAIEmbeddingSpec())
        self._folders = folders

    def setup(self, device: Any) -> None:
        from sentence_transformers import SentenceTransformer

        self._models = {name: SentenceTransformer(folder, device="cpu") for name, folder in self._folders.items()}

    def authorize(self, request: Request) -> None:
        """Refuse other keys than that in ``SERVER_KEY``, and repeat them, as some servers do. None is needed."""
        given = request.headers.get("authorization", "")
        if given not in ("", "Bearer none", f"Bearer {os.environ['SERVER_KEY']}"):
            raise HTTPException(401, f"this key is not valid: {given}")

    def decode_request(self, request: EmbeddingRequest) -> Any:
        if request.model not in self._models:
            raise HTTPException(404, f"there is no model {request.model}")
        return request.model, request.input

    def predict(self, inputs: Any) -> Any:
        model, texts = inputs
        return self._models[model].encode(texts, batch_size=8)


if __name__ == "__main__":
    server = litserve.LitServer(
        Embeddings(dict(word.split("=", 1) for word in sys.argv[2:])), accelerator="cpu", workers_per_device=1, timeout=False
    )
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning", num_api_servers=1)
