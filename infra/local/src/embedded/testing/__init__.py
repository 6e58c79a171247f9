"""For tests: a whole stack of one's own, and stand-ins for its processes."""

from embedded.testing.stack import (
    RunningStack,
    Service,
    StackNotReady,
    running_stack,
)

__all__ = ["RunningStack", "Service", "StackNotReady", "running_stack"]
