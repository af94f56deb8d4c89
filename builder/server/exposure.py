"""Who can reach the app. Serving others is a decision: it needs a secret that the site keeps."""

import ipaddress
import os

from builder.problem import Problem, Refused, say


def only_this_machine(address: str | None) -> bool:
    """Whether a server bound to `address` can be reached from this machine alone. No address means every network."""
    if address == "localhost":
        return True
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def require_secret(address: str | None) -> None:
    """Raise `Refused` where others could reach the app and the site has set no secret to sign cookies with."""
    if only_this_machine(address) or os.environ.get("LAYERLAB_SECRET"):
        return
    raise Refused(
        Problem(
            code="server/no-secret",
            title=say("Serving others needs LAYERLAB_SECRET"),
            because=say(
                "The server would listen on {address}. Cookies say whose a design is; set LAYERLAB_SECRET to a long random text, "
                "keep it the same over restarts, and start again.",
                address=address or say("every network"),
            ),
        )
    )
