"""The order in which nodes run."""


def running_order(waits: dict[str, set[str]]) -> tuple[list[str], list[str]]:
    """Names so that each stands behind all that it waits for, as near to the given order as can be.

    The second list is empty, or the names of one circle, in the direction in which signals would flow; then the first
    holds only what can run at all.
    """
    placed: set[str] = set()
    order: list[str] = []
    left = list(waits)
    while left:
        rest = []
        # One sweep places whatever can run by then, so that what is in order takes a single pass.
        for name in left:
            if waits[name] <= placed:
                placed.add(name)
                order.append(name)
            else:
                rest.append(name)
        if len(rest) == len(left):
            return order, _circle({name: waits[name] - placed for name in left})
        left = rest
    return order, []


def _circle(waits: dict[str, set[str]]) -> list[str]:
    """Follow what each name waits for until one comes again; every name here waits for another one here."""
    path: list[str] = []
    at = next(iter(waits))
    while at not in path:
        path.append(at)
        at = min(waits[at])
    return path[path.index(at) :][::-1]
