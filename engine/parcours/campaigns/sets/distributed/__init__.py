"""Sets of people by Daft, on the Ray of this process or, where there is none, in threads of its own.

Daft tells its makers of each import and each query unless it is told not to before it is imported: this package is
imported first by all who import it.
"""

import os
from typing import Final

ENVIRONMENT: Final = {
    "DAFT_ANALYTICS_ENABLED": "0",  # nothing is reported to anybody
    "DAFT_PROGRESS_BAR": "0",  # which would be drawn into the output of commands
}
"""What Daft reads whenever it is about to do either."""

os.environ.update(ENVIRONMENT)
