"""All operations of random programs."""

from tests.tracing.programs import elementwise, joins, maps, sequences
from tests.tracing.programs.operations import OPERATIONS

FILES = (elementwise, joins, maps, sequences)
NAMES = sorted(OPERATIONS)
