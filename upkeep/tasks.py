"""What the scheduler has the worker keep true."""

import logging

from lib.background import background_task
from upkeep.closed_accounts import remove_closed_accounts
from upkeep.ledger import compare_ledger
from upkeep.measuring import measure_copies

__all__ = ["mend_ledger", "remove_closed_accounts"]
logger = logging.getLogger(__name__)


@background_task("upkeep.mend_ledger")
def mend_ledger() -> None:
    """Count again what an older release wrote without the ledger, during an upgrade or after it."""
    measure_copies()
    for found in compare_ledger(fix=True):
        logger.warning("the ledger of %s was wrong by %s", found.owner_id, found)
