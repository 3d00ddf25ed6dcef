"""What the log leaves out: a refusal is no defect, so it is one line without a traceback."""

import logging


class RefusalsInOneLine(logging.Filter):
    """Takes the traceback from what a visitor caused and was told: 403, 404, a wrong host."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps every record; errors of our own keep their traceback."""
        if record.levelno < logging.ERROR or record.name.startswith("django.security"):
            record.exc_info = None
            record.exc_text = None
        return True
