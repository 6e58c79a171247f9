"""The embedded stack: every server and service of Ticketing, one command."""
