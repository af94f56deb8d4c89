"""An engine whose workers count; with arguments Streamlit, whose app starts such engines: `counting_engine run app.py`."""

import sys

from builder.engine import manage, service

ENGINE = (sys.executable, "-m", "tests.hostile.counting_engine")
WORKER = (sys.executable, "-m", "tests.hostile.counting_worker")

if __name__ == "__main__":
    if sys.argv[1:]:
        from streamlit.web.cli import main

        manage.ensure.__defaults__ = (ENGINE,)
        main()
    else:
        service.SPARES = 1
        service.serve(WORKER)
