"""Personal data: found, masked for one request and put back, or taken out for good."""

from rag.answering.privacy.finding import find_personal_data
from rag.answering.privacy.masking import Mask, check_may_send, redact

__all__ = ["Mask", "check_may_send", "find_personal_data", "redact"]
