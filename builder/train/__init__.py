"""The loop. Knows no store and no process: it is given what it needs, and tells what it saw to a recorder."""
