"""What auth counts beside what every service counts."""

from typing import Final

from prometheus_client import Counter

SIGN_UPS: Final = Counter("auth_sign_ups_total", "Accounts created")
SIGN_INS: Final = Counter(
    "auth_sign_ins_total",
    "Tries to sign in: accepted, refused or throttled",
    ["outcome"],
)
