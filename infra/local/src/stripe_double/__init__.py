"""A Stripe double: Stripe's state rules for card payments, on this machine.

`python -m stripe_double` serves the part of Stripe's HTTP interface that
Ticketing uses (PaymentIntents, refunds, events, webhooks, Stripe.js), with the
documented test cards, and knobs under `/_double/` for the faults that a real
provider shows only on a bad day. No real card number belongs in it.
"""
