"""The scripts and styles that the browser loads: built ahead, and named by their content, so that they never change."""

import re
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

STATIC = Path(__file__).resolve().parents[2] / "assets" / "static"

NAME = re.compile(r"[a-z]+-[A-Za-z0-9_-]{8}\.(js|css)")
"""What a bundle is called: `live-DGHMFTBE.js`. Nothing else is sent."""

MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css"}


class Bundles:
    """ASGI app that sends the bundles of one folder, compressed ahead where the browser takes that."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405)
        name = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix("/")
        response = await run_in_threadpool(self.response, name, Headers(scope=scope).get("accept-encoding", ""))
        await response(scope, receive, send)

    def response(self, name: str, accepted: str) -> Response:
        """The bundle of that name; 404 for whatever is not one, wherever it may lead."""
        path = self.file(name)
        if path is None:
            raise HTTPException(404)
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        media_type = MEDIA_TYPES[path.suffix]
        compressed = self.file(name + ".gz") if _takes_gzip(accepted) else None
        # An encoding that is named keeps Streamlit from compressing at every request.
        headers["Content-Encoding"] = "gzip" if compressed else "identity"
        return FileResponse(compressed or path, headers=headers, media_type=media_type)

    def file(self, name: str) -> Path | None:
        """The file of that name if it is a bundle, or a bundle's compressed form, in this very folder."""
        if not NAME.fullmatch(name.removesuffix(".gz")):
            return None
        path = (self.folder / name).resolve()  # a link must not lead out of the folder either
        return path if path.is_relative_to(self.folder) and path.is_file() else None


def _takes_gzip(accepted: str) -> bool:
    offers = [offer.strip().lower().split(";") for offer in accepted.split(",")]
    return any(offer[0] == "gzip" and not _is_refusal(offer[1:]) for offer in offers)


def _is_refusal(parameters: list[str]) -> bool:
    return any(re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", parameter) for parameter in parameters)
